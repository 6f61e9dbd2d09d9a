using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Models;

/// <summary>
/// Graphs with a denoiser's signature that compute: sample + t + 1000·label + mean of the text states. So the output tells
/// what was fed. Names, types and shapes are each exporter's own.
/// </summary>
internal sealed record TinyDenoiser
{
    private static readonly TensorShape Batched = ["batch"];

    public string SampleName { get; init; } = "sample";

    public TensorShape SampleShape { get; init; } = ["batch", 1, 2, 2];

    public ElementType SampleType { get; init; } = ElementType.Float;

    public string TimestepName { get; init; } = "timestep";

    public TensorShape? TimestepShape { get; init; } = ["batch"];

    public ElementType TimestepType { get; init; } = ElementType.Int64;

    /// <summary>Rows of a learned table that the timestep indexes; null for sine and cosine.</summary>
    public int? TimestepRows { get; init; }

    /// <summary>What the timestep is multiplied by in the graph.</summary>
    public float TimestepFactor { get; init; } = 1;

    public string? LabelName { get; init; }

    public int LabelRows { get; init; } = 10;

    public string? TextName { get; init; }

    public TensorShape? OutputShape { get; init; }

    public bool TimestepFirst { get; init; }

    public IReadOnlyList<ValueInfo> UnusedInputs { get; init; } = [];

    public OnnxModel Build()
    {
        var graph = new OnnxGraph { Name = "tiny" };
        ValueInfo[] main = [new(SampleName, SampleType, SampleShape), new(TimestepName, TimestepType, TimestepShape)];
        graph.Inputs.AddRange(TimestepFirst ? main.Reverse() : main);
        graph.Inputs.AddRange(UnusedInputs);
        graph.Outputs.Add(new("out", SampleType, OutputShape ?? SampleShape));
        var channels = (int)(SampleShape[1].Value ?? 1);
        AddTimestep(graph);
        graph.Add(OnnxTensor.Of("kernel", Identity(channels), channels, channels, 1, 1));
        graph.Nodes.Add(new("Cast", [SampleName], ["sample_float"]) { Attributes = { ["to"] = 1 } });
        graph.Nodes.Add(new("Conv", ["sample_float", "kernel"], ["features"]));
        graph.Nodes.Add(new("Add", ["features", "time"], ["h0"]));
        var last = AddText(graph, AddLabel(graph, "h0"));
        graph.Nodes.Add(new("Cast", [last], ["out"]) { Attributes = { ["to"] = (long)SampleType } });
        return new(graph) { Opset = 17 };
    }

    private void AddTimestep(OnnxGraph graph)
    {
        graph.Add(OnnxTensor.Of("column", new long[] { -1, 1 }, 2));
        graph.Add(OnnxTensor.Of("image", new long[] { -1, 1, 1, 1 }, 4));
        if (TimestepRows is { } rows)
        {
            graph.Add(OnnxTensor.Of("time_table", Enumerable.Range(0, rows).Select(i => (float)i).ToArray(), rows, 1));
            graph.Nodes.Add(new("Gather", ["time_table", TimestepName], ["time_row"]));
            graph.Nodes.Add(new("Reshape", ["time_row", "image"], ["time"]));
            return;
        }

        graph.Add(OnnxTensor.Of("frequencies", new[] { 1f, 0.1f }, 1, 2));
        graph.Add(OnnxTensor.Of("two", new long[] { 1 }, 1));
        graph.Add(OnnxTensor.Scalar("factor", TimestepFactor));
        graph.Add(OnnxTensor.Scalar("nothing", 0f));
        graph.Nodes.Add(new("Cast", [TimestepName], ["time_float"]) { Attributes = { ["to"] = 1 } });
        graph.Nodes.Add(new("Mul", ["time_float", "factor"], ["time_scaled"]));
        graph.Nodes.Add(new("Reshape", ["time_scaled", "column"], ["time_column"]));
        graph.Nodes.Add(new("Mul", ["time_column", "frequencies"], ["angles"]));
        graph.Nodes.Add(new("Sin", ["angles"], ["sines"]));
        graph.Nodes.Add(new("Cos", ["angles"], ["cosines"]));
        graph.Nodes.Add(new("Concat", ["sines", "cosines"], ["embedding"]) { Attributes = { ["axis"] = 1 } });
        graph.Nodes.Add(
            new("ReduceMean", ["embedding"], ["embedded"])
            {
                Attributes = { ["axes"] = new long[] { 1 }, ["keepdims"] = 1 },
            }
        );
        graph.Nodes.Add(new("Mul", ["embedded", "nothing"], ["zero"]));
        graph.Nodes.Add(new("Add", ["time_column", "zero"], ["time_sum"]));
        graph.Nodes.Add(new("Reshape", ["time_sum", "image"], ["time"]));
    }

    private string AddLabel(OnnxGraph graph, string value)
    {
        if (LabelName is null)
        {
            return value;
        }

        graph.Inputs.Add(new(LabelName, ElementType.Int64, Batched));
        graph.Add(
            OnnxTensor.Of("labels_table", Enumerable.Range(0, LabelRows).Select(i => 1000f * i).ToArray(), LabelRows, 1)
        );
        graph.Nodes.Add(new("Gather", ["labels_table", LabelName], ["label_row"]));
        graph.Nodes.Add(new("Reshape", ["label_row", "image"], ["label_image"]));
        graph.Nodes.Add(new("Add", [value, "label_image"], ["h1"]));
        return "h1";
    }

    private string AddText(OnnxGraph graph, string value)
    {
        if (TextName is null)
        {
            return value;
        }

        graph.Inputs.Add(new(TextName, SampleType, ["batch", "sequence", 2]));
        graph.Nodes.Add(new("Cast", [TextName], ["text_float"]) { Attributes = { ["to"] = 1 } });
        graph.Nodes.Add(
            new("ReduceMean", ["text_float"], ["text_mean"])
            {
                Attributes = { ["axes"] = new long[] { 1, 2 }, ["keepdims"] = 0 },
            }
        );
        graph.Nodes.Add(new("Reshape", ["text_mean", "image"], ["text_image"]));
        graph.Nodes.Add(new("Add", [value, "text_image"], ["h2"]));
        return "h2";
    }

    private static float[] Identity(int channels)
    {
        var kernel = new float[channels * channels];
        for (var i = 0; i < channels; i++)
        {
            kernel[(i * channels) + i] = 1;
        }

        return kernel;
    }
}
