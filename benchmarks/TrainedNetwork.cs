using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Benchmarks;

/// <summary>Whole U-Nets as blocks: all weights are trained on the mean square of what lies between output and target.</summary>
internal static class TrainedNetwork
{
    private const string Target = "target";

    /// <summary>The 35.7 M U-Net with seeded weights.</summary>
    public static GradientBlock Ddpm(int batch) =>
        Of($"network of 35.7 M (DDPM), batch {batch}", DdpmUNet.Build(), batch, imageChannels: 3);

    /// <summary>The sample app's model.</summary>
    public static GradientBlock Sample(int batch) =>
        Of(
            $"network of the sample app, batch {batch}",
            OnnxModel.Load(Path.Combine(QualityBenchmark.SampleModel(), "unet", "model.onnx")),
            batch,
            imageChannels: 1
        );

    private static GradientBlock Of(string name, OnnxModel network, int batch, long imageChannels)
    {
        long[] dims = [batch, imageChannels, 32, 32];
        var sizes = new Dictionary<string, TensorShape>
        {
            ["sample"] = TensorShape.Of(dims),
            ["timestep"] = TensorShape.Of(batch),
        };
        var model = ShapeInferrer.Infer(network, new() { Inputs = sizes });
        var graph = model.Graph;
        graph.ConstantsToInitializers();
        for (var i = 0; i < graph.Inputs.Count; i++)
        {
            graph.Inputs[i] = graph.Inputs[i] with { Shape = sizes[graph.Inputs[i].Name] };
        }

        var parameters = Parameters(graph);
        AddLoss(graph, dims);
        var weights = new SeededWeights(11);
        return new(
            name,
            model,
            parameters,
            [
                weights.Around(0, 1.7f, dims).WithName("sample"),
                OnnxTensor.Of("timestep", [.. Enumerable.Range(0, batch).Select(i => i * 999L / batch)], batch),
                weights.Around(0, 1.7f, dims).WithName(Target),
            ]
        );
    }

    private static void AddLoss(OnnxGraph graph, long[] dims)
    {
        var editor = new GraphEditor(graph);
        var difference = editor.Node("Sub", "difference", [graph.Outputs[0].Name, Target]);
        var square = editor.Node("Mul", "square", [difference, difference]);
        // Means of means, as the blocks take them.
        var rows = editor.Node("ReduceMean", "image_loss", [square], ("axes", new[] { 1L, 2, 3 }), ("keepdims", 0L));
        editor.NodeTo(GradientBlock.Loss, "ReduceMean", [rows], ("keepdims", 0L));
        graph.Inputs.Add(new(Target, ElementType.Float, TensorShape.Of(dims)));
        graph.Outputs.Clear();
        graph.Outputs.Add(new(GradientBlock.Loss, ElementType.Float, TensorShape.Scalar));
    }

    /// <summary>
    /// Weights and biases of convolutions, linear layers and normalisations, these called by their order: exporters give
    /// them no name.
    /// </summary>
    private static Parameter[] Parameters(OnnxGraph graph)
    {
        var found = new List<Parameter>();
        var norms = 0;
        foreach (var node in graph.Nodes)
        {
            foreach (var input in node.Inputs.Where(graph.Initializers.ContainsKey).ToArray())
            {
                var tensor = graph.Initializers[input];
                var isNorm = node.OpType is "Mul" or "Add" && tensor.Rank == 3;
                if (!isNorm && node.OpType is not ("Conv" or "Gemm") || found.Exists(p => p.Name == input))
                {
                    continue;
                }

                var name = input;
                if (isNorm)
                {
                    name = $"norm{norms / 2}.{(node.OpType == "Mul" ? "weight" : "bias")}";
                    norms++;
                    graph.Rename(input, name);
                }

                found.Add(new(tensor.WithName(name), new(GradientBlock.LearningRate)));
            }
        }

        return [.. found];
    }
}
