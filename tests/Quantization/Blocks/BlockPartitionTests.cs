using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>Units of networks in several exporters' styles: the same whatever things are called, and executable.</summary>
public class BlockPartitionTests
{
    private static readonly DdpmUNetSettings Settings = TestModels.SmallUNet with
    {
        Multipliers = [1, 2, 2],
        Resolution = 32,
    };

    public static TheoryData<NameStyle> Styles => [.. Enum.GetValues<NameStyle>()];

    private static OnnxModel Network(NameStyle style)
    {
        var model = DdpmUNet.Build(Settings with { NameStyle = style });
        NormalizeGraph.Apply(model);
        return model;
    }

    private static IReadOnlyList<ReconstructionUnit> Find(OnnxModel model) =>
        BlockPartition.Find(model.Graph, "sample", "timestep");

    private static void AssertSound(OnnxModel model, IReadOnlyList<ReconstructionUnit> units)
    {
        var layers = LayerAnalysis.Find(model.Graph, "sample", "timestep").Select(l => l.Name).ToArray();
        Assert.Equal(layers.Order(), units.SelectMany(u => u.Layers).Order());
        Assert.Equal(units.Count, units.Select(u => u.Name).Distinct().Count());
        var index = new GraphIndex(model.Graph);
        var made = new HashSet<string>();
        var owners = units.SelectMany(u => u.Outputs.Select(o => (o, u))).ToDictionary(p => p.o, p => p.u);
        foreach (var unit in units)
        {
            // What comes of another unit was computed before: so no path leaves a unit and enters it again.
            Assert.All(
                unit.Inputs,
                i =>
                    Assert.DoesNotContain(
                        Upstream(index, i),
                        v => owners.TryGetValue(v, out var o) && !made.Contains(v)
                    )
            );
            made.UnionWith(unit.Outputs);
            var part = model.Graph.Cut(unit.Inputs, unit.Outputs);
            var inside = part.Nodes.Select(n => n.Name).Where(layers.Contains);
            Assert.Equal(unit.Layers.Order(), inside.Order());
        }
    }

    private static HashSet<string> Upstream(GraphIndex index, string value)
    {
        var seen = new HashSet<string>();
        var pending = new Stack<string>([value]);
        while (pending.TryPop(out var next))
        {
            if (seen.Add(next) && index.Producer(next) is { } node && !node.Is("Shape"))
            {
                foreach (var input in node.Inputs)
                {
                    pending.Push(input);
                }
            }
        }

        return seen;
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void NamesDoNotMatter(NameStyle style)
    {
        var model = Network(style);
        var units = Find(model);

        AssertSound(model, units);
        var expected = Find(Network(NameStyle.Scoped)).Select(u => (u.Kind, u.Layers.Count));
        Assert.Equal(expected, units.Select(u => (u.Kind, u.Layers.Count)));
    }

    [Fact]
    public void NumbersForNamesDoNotMatterEither()
    {
        var model = Network(NameStyle.Scoped);
        var expected = Find(model).Select(u => (u.Kind, u.Layers.Count)).ToArray();
        var kept = model.Graph.Inputs.Concat(model.Graph.Outputs).Select(i => i.Name).ToHashSet();
        var number = 0;
        foreach (var node in model.Graph.Nodes)
        {
            node.Name = $"{number++}";
        }

        foreach (
            var value in model
                .Graph.Nodes.SelectMany(n => n.Outputs)
                .Where(o => o.Length > 0 && !kept.Contains(o))
                .ToArray()
        )
        {
            model.Graph.Rename(value, $"{number++}");
        }

        AssertSound(model, Find(model));
        Assert.Equal(expected, Find(model).Select(u => (u.Kind, u.Layers.Count)));
    }

    [Fact]
    public void AUNetHasItsBlocks()
    {
        var kinds = Find(Network(NameStyle.Scoped)).CountBy(u => u.Kind).ToDictionary();

        Assert.Equal(1, kinds[BlockKind.TimeEmbedding]);
        // One block per level on the way down, two on the way up, and two in the middle.
        Assert.Equal(3 + 6 + 2, kinds[BlockKind.Residual]);
        // At 8x8: one down, two up, and the middle's.
        Assert.Equal(4, kinds[BlockKind.Attention]);
        // First and last layer, and two changes of resolution each way.
        Assert.Equal(2 + 4, kinds[BlockKind.Layer]);
        Assert.False(kinds.ContainsKey(BlockKind.Transformer));
    }

    [Fact]
    public void UnitsOutliveTheSplittingOfShortcuts()
    {
        var model = Network(NameStyle.Scoped);
        var before = Find(model);
        BlockTags.Apply(model.Graph, before);
        Assert.True(SplitShortcuts.Apply(model) > 0);
        var layers = LayerAnalysis.Find(model.Graph, "sample", "timestep").Select(l => l.Name);
        var after = BlockTags.Read(model.Graph, layers);

        AssertSound(model, after);
        Assert.Equal(before.Select(u => (u.Name, u.Kind)), after.Select(u => (u.Name, u.Kind)));
        Assert.True(after.Sum(u => u.Layers.Count) > before.Sum(u => u.Layers.Count));
    }

    [Fact]
    public void TransformersAreOneUnitPerBlock()
    {
        // x + attention(norm(x)), then x + feed-forward(norm(x)), twice.
        var b = new GraphBuilder();
        var x = b.Input("sample", ElementType.Float, 2, 9, 8);
        b.Input("timestep", ElementType.Int64, 2);
        var h = Linear(b, x, 8, 8, 0);
        for (var i = 1; i <= 2; i++)
        {
            var normed = Norm(b, h, i);
            var q = Linear(b, normed, 8, 8, (10 * i) + 1);
            var k = Linear(b, normed, 8, 8, (10 * i) + 2);
            var v = Linear(b, normed, 8, 8, (10 * i) + 3);
            var mixed = b.MatMul(b.Softmax(b.MatMul(q, b.Transpose(k, 0, 2, 1))), v);
            h += Linear(b, mixed, 8, 8, (10 * i) + 4);
            var inner = Linear(b, Norm(b, h, 5 + i), 8, 16, (10 * i) + 5);
            h += Linear(b, inner * b.Op("Sigmoid", inner), 16, 8, (10 * i) + 6);
        }

        b.Output(Linear(b, h, 8, 8, 90), "out", ElementType.Float, 2, 9, 8);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        var units = Find(model);

        AssertSound(model, units);
        Assert.Equal(
            [(BlockKind.Layer, 1), (BlockKind.Transformer, 8), (BlockKind.Transformer, 8), (BlockKind.Layer, 1)],
            units.Select(u => (u.Kind, u.Layers.Count))
        );
    }

    [Fact]
    public void AResidualRoundTheWholeNetworkHidesNoBlock()
    {
        var b = new GraphBuilder();
        var x = b.Input("sample", ElementType.Float, 1, 8, 4, 4);
        b.Input("timestep", ElementType.Int64, 1);
        var h = Convolution(b, x, 1);
        h += Convolution(b, b.Op("Relu", Convolution(b, h, 2)), 3);
        b.Output(x + Convolution(b, h, 4), "out", ElementType.Float, 1, 8, 4, 4);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        var units = Find(model);

        AssertSound(model, units);
        Assert.Equal([BlockKind.Layer, BlockKind.Residual, BlockKind.Layer], units.Select(u => u.Kind));
    }

    private static Value Linear(GraphBuilder b, Value x, int from, int to, int seed) =>
        b.MatMul(
            x,
            b.Parameter($"w{seed}", OnnxTensor.Of($"w{seed}", TestModels.Numbers(seed, from * to).AsSpan(), from, to))
        );

    private static Value Norm(GraphBuilder b, Value x, int seed) =>
        b.Op(
            "LayerNormalization",
            x,
            b.Parameter($"g{seed}", OnnxTensor.Of($"g{seed}", TestModels.Numbers(seed, 8).AsSpan(), 8)),
            b.Parameter($"h{seed}", OnnxTensor.Of($"h{seed}", TestModels.Numbers(seed + 1, 8).AsSpan(), 8))
        );

    private static Value Convolution(GraphBuilder b, Value x, int seed) =>
        b.Conv(
            x,
            b.Parameter(
                $"k{seed}",
                OnnxTensor.Of($"k{seed}", TestModels.Numbers(seed, 8 * 8 * 9).AsSpan(), 8, 8, 3, 3)
            ),
            pads: 1
        );
}
