using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Tests.Features;

/// <summary>A network whose features are the means of the channels of its 4×4 input, times a weight.</summary>
internal static class TinyExtractor
{
    public static OnnxModel Model(
        int channels = 3,
        float weight = 2,
        string input = "image",
        string output = "features",
        string constant = "weight",
        int? batch = null
    )
    {
        var graph = new OnnxGraph { Name = "tiny" };
        Dimension first = batch is { } n ? Dimension.Of(n) : Dimension.Named("batch");
        graph.Inputs.Add(new(input, ElementType.Float, new([first, channels, 4, 4])));
        graph.Add(OnnxTensor.Scalar(constant, weight));
        graph.Nodes.Add(new("Mul", [input, constant], ["map"]));
        var mean = new OnnxNode("ReduceMean", ["map"], [output]);
        mean.Attributes["axes"] = new long[] { 2, 3 };
        mean.Attributes["keepdims"] = 0;
        graph.Nodes.Add(mean);
        graph.Outputs.Add(new(output, ElementType.Float, new([first, channels])));
        graph.Outputs.Add(new("map", ElementType.Float, new([first, channels, 4, 4])));
        return new(graph) { Opset = 17 };
    }

    public static ExtractorSettings Settings { get; } =
        new()
        {
            Name = "tiny",
            Input = "image",
            Width = 4,
            Height = 4,
            Channels = 3,
            Low = 0,
            High = 255,
            Resize = ResizeFilter.AntialiasedBilinear,
            Features = "features",
            Spatial = "map",
            SpatialChannels = 2,
        };

    /// <summary>Writes an extractor's folder.</summary>
    public static string Write(
        TestFiles files,
        ExtractorSettings settings,
        OnnxModel? model = null,
        string name = "tiny"
    )
    {
        (model ?? Model()).Save(files.At($"{name}/model.onnx"));
        settings.Save(files.At($"{name}/{ExtractorSettings.FileName}"));
        return files.At(name);
    }
}
