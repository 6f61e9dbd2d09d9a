using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

public class UNetShapeTests
{
    public static TheoryData<DdpmUNetSettings> Sizes =>
        [
            DdpmUNetSettings.Tiny,
            DdpmUNetSettings.Tiny with
            {
                NameStyle = NameStyle.Dynamo,
                ImageChannels = 3,
            },
            DdpmUNetSettings.Tiny with
            {
                NameStyle = NameStyle.Numbered,
                Opset = 13,
            },
            DdpmUNetSettings.Tiny with
            {
                HalfPrecision = true,
                Opset = 18,
            },
            DdpmUNetSettings.Tiny with
            {
                HalfPrecision = true,
                KeepFloatImages = true,
                Opset = 23,
            },
            new()
            {
                Channels = 32,
                Multipliers = [1, 2, 4],
                Blocks = 1,
                ImageChannels = 1,
            },
            new()
            {
                Channels = 32,
                Resolution = 64,
                AttentionResolutions = [16, 8],
            },
        ];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Everything_is_known_but_the_batch(DdpmUNetSettings settings)
    {
        var model = DdpmUNet.Build(settings);
        ShapeInferrer.Infer(model);
        var values = Values(model);
        Assert.All(
            values,
            v =>
            {
                Assert.NotEqual(ElementType.Undefined, v.ElementType);
                Assert.NotNull(v.Shape);
                Assert.All(v.Shape, d => Assert.True(d.IsKnown || d.Symbol == "batch", v.ToString()));
            }
        );
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void With_a_fixed_batch_everything_is_static(DdpmUNetSettings settings)
    {
        var model = DdpmUNet.Build(settings);
        var before = GraphText.Print(model.Graph);
        var copy = ShapeInferrer.Infer(model, new() { Symbols = new Dictionary<string, long> { ["batch"] = 3 } });
        Assert.All(Values(copy), v => Assert.True(v.Shape!.IsStatic, v.ToString()));
        var (channels, size) = (settings.ImageChannels, settings.Resolution);
        Assert.Equal(TensorShape.Of(3, channels, size, size), copy.Graph.Find("out_sample")!.Shape);
        Assert.Equal(TensorShape.Of(3, channels, size, size), copy.Graph.Find("sample")!.Shape);

        // The contract to the outside stays, and so does the model that was asked about.
        Assert.Equal(model.Graph.Inputs, copy.Graph.Inputs);
        Assert.Equal(model.Graph.Outputs, copy.Graph.Outputs);
        Assert.Equal(before, GraphText.Print(model.Graph));
    }

    [Fact]
    public void Levels_have_their_resolutions()
    {
        var graph = ShapeInferrer.Infer(DdpmUNet.Build(DdpmUNetSettings.Tiny), new()).Graph;
        string Shape(string value) => graph.Find(value)!.ToString();
        Assert.Equal("/time2/Gemm_output_0: Float[batch,32]", Shape("/time2/Gemm_output_0"));
        Assert.Equal("/down.0.0/conv2/Conv_output_0: Float[batch,8,8,8]", Shape("/down.0.0/conv2/Conv_output_0"));
        Assert.Equal("/down.1.0/Conv_output_0: Float[batch,8,4,4]", Shape("/down.1.0/Conv_output_0"));
        Assert.Equal("/mid_attention/Softmax_output_0: Float[batch,16,16]", Shape("/mid_attention/Softmax_output_0"));
        Assert.Equal("/mid_attention/Concat_3_output_0: Int64[4]", Shape("/mid_attention/Concat_3_output_0"));
        Assert.Equal("/up.0.0/norm1/Reshape_output_0: Float[batch,4,128]", Shape("/up.0.0/norm1/Reshape_output_0"));
        Assert.Equal("/up.2.0/Resize_output_0: Float[batch,16,8,8]", Shape("/up.2.0/Resize_output_0"));
    }

    private static IEnumerable<ValueInfo> Values(OnnxModel model) =>
        model.Graph.Nodes.SelectMany(n => n.Outputs).Select(o => model.Graph.Find(o)!);
}
