using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>Units that are written into a graph and read back from it, as it was and rewritten.</summary>
public class BlockTagsTests
{
    public static TheoryData<string> Names => [.. Networks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_tagged_is_read_back(string network)
    {
        var graph = Networks.All[network]();
        var units = UnitChecks.Find(graph);
        BlockTags.Apply(graph, units);
        Same(units, BlockTags.Read(graph, UnitChecks.Layers(graph)));
    }

    [Theory]
    [InlineData("ddpm")]
    [InlineData("diffusers-unet")]
    [InlineData("sample-model")]
    public void Units_outlast_rewritings(string network)
    {
        var graph = Networks.All[network]();
        var model = new OnnxModel(graph) { Opset = 17, IrVersion = 8 };
        var units = UnitChecks.Find(graph);
        BlockTags.Apply(graph, units);
        Assert.True(SplitShortcuts.Apply(model) > 0);
        var split = BlockTags.Read(graph, UnitChecks.Layers(graph));
        UnitChecks.Check(graph, split);
        Assert.Equal(units.Select(u => (u.Name, u.Kind)), split.Select(u => (u.Name, u.Kind)));
        Assert.Equal(units.Select(u => u.Inputs.Order()), split.Select(u => u.Inputs.Order()));
        Assert.Equal(units.Sum(u => u.Layers.Count) + SplitParts(graph), split.Sum(u => u.Layers.Count));

        StaticShapes.Apply(model);
        Assert.True(RewriteGroupNorms.Apply(model) > 0);
        ChannelsLast.Apply(model);
        var rewritten = BlockTags.Read(graph, UnitChecks.Layers(graph));
        UnitChecks.Check(graph, rewritten);
        Assert.Equal(units.Select(u => (u.Name, u.Kind)), rewritten.Select(u => (u.Name, u.Kind)));
        Assert.Equal(split.Select(u => u.Layers.Order()), rewritten.Select(u => u.Layers.Order()));
    }

    [Fact]
    public void Tags_of_an_earlier_partition_go()
    {
        var graph = Networks.VaeDecoder();
        BlockTags.Apply(graph, UnitChecks.Find(graph));
        BlockTags.Apply(graph, []);
        Assert.All(graph.Nodes, n => Assert.Empty(n.Metadata));
        var units = BlockTags.Read(graph, UnitChecks.Layers(graph));
        Assert.All(units, u => Assert.Equal((BlockKind.Layer, u.Name), (u.Kind, Assert.Single(u.Layers))));
        UnitChecks.Check(graph, units);
    }

    [Fact]
    public void A_unit_that_is_left_and_entered_again_is_given_up()
    {
        var graph = Chain(4);
        Tag(graph, ("a", [0, 2]), ("b", [1]));
        Assert.Equal("Layer 1, Residual 1, Layer 1, Layer 1", UnitChecks.Words(Read(graph)));
    }

    [Fact]
    public void What_lies_inside_of_a_unit_is_part_of_it()
    {
        var graph = Chain(4);
        Tag(graph, ("a", [0, 2]));
        Assert.Equal("Residual 3, Layer 1", UnitChecks.Words(Read(graph)));
    }

    [Fact]
    public void Of_two_units_that_need_each_other_the_greater_is_given_up()
    {
        // Two chains side by side, crosswise in one unit: neither is left and entered again by one path.
        var b = new GraphBuilder("two", 17, NameStyle.Numbered);
        var parts = new NetworkParts(b);
        var x = b.Input("x", ElementType.Float, 1, 8, 8, 8);
        var (left, right) = (parts.Conv("l1", x), parts.Conv("r1", x));
        left = parts.Conv("l3", parts.Conv("l2", left));
        right = parts.Conv("r2", right);
        b.Output(b.Concat(1, left, right), "y", ElementType.Float, 1, 16, 8, 8);
        var graph = Networks.Normal(b.Build());
        // Order of convolutions: l1, r1, l2, l3, r2.
        Tag(graph, ("a", [0, 4]), ("b", [1, 2, 3]));
        var units = Read(graph);
        Assert.Equal([("a", 2)], units.Where(u => u.Kind == BlockKind.Residual).Select(u => (u.Name, u.Layers.Count)));
        Assert.Equal(3, units.Count(u => u.Kind == BlockKind.Layer));
    }

    private static OnnxGraph Chain(int layers)
    {
        var b = new GraphBuilder("chain", 17, NameStyle.Numbered);
        var parts = new NetworkParts(b);
        var x = b.Input("x", ElementType.Float, 1, 8, 8, 8);
        for (var i = 0; i < layers; i++)
        {
            x = parts.Conv($"conv{i}", x);
        }

        b.Output(x, "y", ElementType.Float, 1, 8, 8, 8);
        return Networks.Normal(b.Build());
    }

    private static void Tag(OnnxGraph graph, params (string Name, int[] Layers)[] units)
    {
        var layers = graph.Nodes.FindAll(n => n.Is("Conv")).ConvertAll(n => n.Name);
        BlockTags.Apply(
            graph,
            [
                .. units.Select(u =>
                {
                    string[] nodes = [.. u.Layers.Select(l => layers[l])];
                    return new ReconstructionUnit(u.Name, BlockKind.Residual, nodes, [], []) { Nodes = nodes };
                }),
            ]
        );
    }

    private static IReadOnlyList<ReconstructionUnit> Read(OnnxGraph graph)
    {
        var units = BlockTags.Read(graph, UnitChecks.Layers(graph));
        UnitChecks.Check(graph, units);
        return units;
    }

    private static int SplitParts(OnnxGraph graph) =>
        graph.Nodes.Count(n => n.Is("Conv") && n.Name.EndsWith("_part2", StringComparison.Ordinal));

    private static void Same(IReadOnlyList<ReconstructionUnit> expected, IReadOnlyList<ReconstructionUnit> actual)
    {
        Assert.Equal(expected.Select(u => (u.Name, u.Kind)), actual.Select(u => (u.Name, u.Kind)));
        Assert.Equal(expected.Select(u => u.Layers), actual.Select(u => u.Layers));
        Assert.Equal(expected.Select(u => u.Nodes), actual.Select(u => u.Nodes));
        Assert.Equal(expected.Select(u => u.Inputs), actual.Select(u => u.Inputs));
        Assert.Equal(expected.Select(u => u.Outputs), actual.Select(u => u.Outputs));
    }
}
