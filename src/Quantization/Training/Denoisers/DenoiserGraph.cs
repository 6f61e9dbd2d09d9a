using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>A network from its first weights on, and the graph of one step of its training: the mean squared error of
/// what it says, AdamW, clipping and averages.</summary>
internal sealed class DenoiserGraph
{
    public const string SampleName = "sample";
    public const string TimestepName = "timestep";
    public const string TargetName = "target";
    private const float LeastRate = 1e-3f;

    private DenoiserGraph(OnnxModel network, TrainingGraph graph)
    {
        Network = network;
        Graph = graph;
    }

    /// <summary>The network with its first weights.</summary>
    public OnnxModel Network { get; }

    /// <summary>The graph of a step.</summary>
    public TrainingGraph Graph { get; }

    /// <summary>The numbers that are trained.</summary>
    public long ParameterCount => Network.Graph.Initializers.Values.Sum(t => t.ElementCount);

    /// <summary>Builds both.</summary>
    /// <param name="training">How to train.</param>
    /// <param name="shape">The images' shape.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1140: the network does not suit the images.</exception>
    public static DenoiserGraph Build(DenoiserTraining training, SampleShape shape)
    {
        var network = training.Network.Build(shape, training.NetworkName);
        network.ProducerName = "diffquant";
        network.ProducerVersion = "";
        InitialWeights.Write(network.Graph, training.Seed);
        var model = WithLoss(network, training.Batch, shape, out var loss);
        // Adam with the second moment's shorter memory, as small batches want it.
        var adam = new AdamSettings(training.LearningRate)
        {
            Beta2 = 0.99f,
            Schedule = LearningRateSchedule.Cosine,
            Floor = LeastRate,
            WarmUp = training.WarmUp,
        };
        var graph = TrainingGraph.Build(
            model,
            loss,
            [.. network.Graph.Initializers.Values.Select(t => new Parameter(t, adam))],
            new()
            {
                GradientClip = training.Clip,
                AverageDecay = training.Average,
                Accumulation = training.Accumulation,
                Recomputation = training.Recompute ? Recomputation.Automatic : null,
            }
        );
        return new(network, graph);
    }

    /// <summary>The network with its weights replaced.</summary>
    /// <param name="read">Reads a weight's values.</param>
    public OnnxModel With(Func<string, float[]> read)
    {
        var model = Network.Clone();
        foreach (var (name, tensor) in Network.Graph.Initializers)
        {
            model.Graph.Initializers[name] = OnnxTensor.Of(name, read(name).AsSpan(), tensor.Dims);
        }

        return model;
    }

    private static OnnxModel WithLoss(OnnxModel network, int batch, SampleShape shape, out string loss)
    {
        var image = TensorShape.Of(batch, shape.Channels, shape.Height, shape.Width);
        var sizes = new Dictionary<string, TensorShape>(StringComparer.Ordinal)
        {
            [SampleName] = image,
            [TimestepName] = TensorShape.Of(batch),
        };
        var model = FixedSizes.Of(network, sizes);
        var graph = model.Graph;
        graph.Inputs.Add(new(TargetName, ElementType.Float, image));
        var editor = new GraphEditor(graph);
        loss = SquaredError.Write(editor, graph.Outputs[0].Name, TargetName, 1f / (batch * shape.Length));
        graph.Outputs.Clear();
        graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
        return model;
    }
}
