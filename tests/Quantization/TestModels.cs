using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>Small models for tests.</summary>
internal static class TestModels
{
    /// <summary>A U-Net whose channels are wide enough for the fast integer kernels, and nothing else.</summary>
    public static DdpmUNetSettings SmallUNet { get; } =
        new()
        {
            Channels = 32,
            Multipliers = [1, 2],
            Blocks = 1,
            AttentionResolutions = [8],
            Resolution = 16,
            Groups = 8,
        };

    public const string EpsilonSchedule = """
        {
          "_class_name": "DDIMScheduler",
          "num_train_timesteps": 1000,
          "beta_start": 0.0001,
          "beta_end": 0.02,
          "beta_schedule": "linear",
          "prediction_type": "epsilon",
          "clip_sample": true
        }
        """;

    /// <summary>A graph of one layer: input <c>x</c>, output <c>y</c>.</summary>
    public static OnnxModel OneLayer(
        string opType,
        long[] inputShape,
        OnnxTensor weight,
        OnnxTensor? bias,
        params (string Name, AttributeValue Value)[] attributes
    )
    {
        var graph = new OnnxGraph { Name = "layer" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(inputShape)));
        graph.Outputs.Add(new("y", ElementType.Float, null));
        graph.Add(weight);
        var node = new OnnxNode(opType, ["x", weight.Name], ["y0"], "layer");
        if (bias is not null)
        {
            graph.Add(bias);
            node.Inputs.Add(bias.Name);
        }

        foreach (var (name, value) in attributes)
        {
            node.Attributes[name] = value;
        }

        graph.Nodes.Add(node);
        // A float reader behind the layer, so that the layer is not the network's own output.
        graph.Nodes.Add(new("Relu", ["y0"], ["y"], "reader"));
        return new(graph) { Opset = 17, IrVersion = 8 };
    }

    /// <summary>Seeded numbers, roughly normal.</summary>
    public static float[] Numbers(int seed, long count, double scale = 1)
    {
        var random = new Random(seed);
        var result = new float[count];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = (float)(scale * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2);
        }

        return result;
    }
}
