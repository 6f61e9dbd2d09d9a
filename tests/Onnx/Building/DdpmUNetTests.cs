using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Onnx.Tests.Building;

public class DdpmUNetTests
{
    // Counted with torch on the PyTorch module of the same form: sum(p.numel() for p in net.parameters()).
    [Theory]
    [InlineData(128, new[] { 1, 2, 2, 2 }, 2, new[] { 16 }, 32, 3, 35_746_307)]
    [InlineData(32, new[] { 1, 2, 4 }, 1, new[] { 16 }, 32, 1, 2_586_337)]
    [InlineData(32, new[] { 1, 2 }, 1, new[] { 16 }, 16, 1, 663_905)]
    [InlineData(64, new[] { 1, 2, 2 }, 1, new[] { 16, 8 }, 32, 3, 4_636_611)]
    public void Has_as_many_parameters_as_in_torch(
        int channels,
        int[] multipliers,
        int blocks,
        int[] attention,
        int resolution,
        int imageChannels,
        long parameters
    )
    {
        var model = DdpmUNet.Build(
            new()
            {
                Channels = channels,
                Multipliers = multipliers,
                Blocks = blocks,
                AttentionResolutions = attention,
                Resolution = resolution,
                ImageChannels = imageChannels,
            }
        );
        Assert.Equal(parameters, model.Graph.Initializers.Values.Sum(t => t.ElementCount));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes()
    {
        var first = DdpmUNet.Build(DdpmUNetSettings.Tiny).ToBytes();
        Assert.Equal(first, DdpmUNet.Build(DdpmUNetSettings.Tiny).ToBytes());
        Assert.NotEqual(first, DdpmUNet.Build(DdpmUNetSettings.Tiny with { Seed = 2 }).ToBytes());
    }

    [Theory]
    [InlineData(NameStyle.Scoped, "/down.0.0/conv1/Conv", "down.0.0.conv1.weight", "/down.0.0/conv1/Conv_output_0")]
    [InlineData(NameStyle.Dynamo, "node_Conv_22", "down.0.0.conv1.weight", "conv2d_1")]
    [InlineData(NameStyle.Numbered, "63", "61", "64")]
    public void Names_follow_the_style(NameStyle style, string node, string weight, string output)
    {
        var graph = DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = style }).Graph;
        var conv = graph.Nodes.Where(n => n.Is("Conv")).ElementAt(1);
        Assert.Equal((node, weight, output), (conv.Name, conv.Inputs[1], conv.Outputs[0]));
        Assert.Equal(style != NameStyle.Dynamo, graph.Nodes.Exists(n => n.Is("Constant")));
        Assert.Equal(["sample", "timestep"], graph.Inputs.Select(i => i.Name));
        Assert.Equal(["out_sample"], graph.Outputs.Select(i => i.Name));
    }

    [Fact]
    public void Half_precision_keeps_normalisation_in_float32()
    {
        var graph = DdpmUNet.Build(DdpmUNetSettings.Tiny with { HalfPrecision = true }).Graph;
        Assert.Equal(ElementType.Float16, graph.Inputs[0].ElementType);
        Assert.Equal(ElementType.Float16, graph.Initializers["conv_in.weight"].ElementType);
        var kept = DdpmUNet.Build(DdpmUNetSettings.Tiny with { HalfPrecision = true, KeepFloatImages = true }).Graph;
        Assert.Equal(ElementType.Float, kept.Inputs[0].ElementType);
        Assert.Equal(ElementType.Float, kept.Outputs[0].ElementType);
        Assert.Equal(ElementType.Float16, kept.Initializers["conv_out.weight"].ElementType);
    }

    [Fact]
    public void Refuses_channels_that_the_groups_do_not_divide() =>
        Assert.Throws<ArgumentException>(() => DdpmUNet.Build(new() { Channels = 24, Groups = 32 }));
}
