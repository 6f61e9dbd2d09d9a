using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Plan;

/// <summary>Positions come from structure: they are the same whatever an exporter calls its nodes.</summary>
public class LayerAnalysisTests
{
    private static IReadOnlyList<QuantizableLayer> Layers(NameStyle style)
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet with { NameStyle = style });
        NormalizeGraph.Apply(model);
        return LayerAnalysis.Find(model.Graph, model.Graph.Inputs[0].Name, model.Graph.Inputs[1].Name);
    }

    public static TheoryData<NameStyle> Styles => [.. Enum.GetValues<NameStyle>()];

    [Theory]
    [MemberData(nameof(Styles))]
    public void EveryPositionIsFound(NameStyle style)
    {
        var layers = Layers(style);
        int Count(LayerPositions position) => layers.Count(l => l.Positions.HasFlag(position));

        Assert.Equal(1, Count(LayerPositions.First));
        Assert.Equal(1, Count(LayerPositions.Last));
        // Two layers of the embedding, and the projection in each of the residual blocks.
        var blocks = layers.Count(l => l.Kind == LayerKind.Gemm) - 2;
        Assert.Equal(blocks + 2, Count(LayerPositions.TimeEmbedding));
        Assert.Equal(2, Count(LayerPositions.TimeMlp));
        // Each attention block: q, k, v, out and its two products.
        Assert.Equal(0, Count(LayerPositions.Attention) % 6);
        Assert.Equal(2 * Count(LayerPositions.Attention) / 6, layers.Count(l => l.Kind == LayerKind.MatrixProduct));
        Assert.Equal(
            layers.Where(l => l.Kind == LayerKind.MatrixProduct),
            layers.Where(l => l.Positions.HasFlag(LayerPositions.AttentionProduct))
        );
        Assert.Equal(1, Count(LayerPositions.Downsample));
        Assert.Equal(1, Count(LayerPositions.Upsample));
        Assert.True(Count(LayerPositions.Skip) >= 4);
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void NamesDoNotChangeTheResult(NameStyle style)
    {
        var expected = Layers(NameStyle.Scoped).Select(l => (l.Kind, l.Positions));
        Assert.Equal(expected, Layers(style).Select(l => (l.Kind, l.Positions)));
    }

    /// <summary>Shen et al., WACV 2021: softmax(q) times (softmax(k)ᵀ times v), where each softmax follows a projection.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LinearAttentionIsFound(bool convolutions)
    {
        const int Channels = Scaffold.Channels;
        const int Places = Scaffold.Size * Scaffold.Size;
        var scaffold = new Scaffold { Batch = 1 };
        var model = scaffold.Build(
            (b, h, _) =>
            {
                Value Projection(string name, Value x) =>
                    convolutions
                        ? b.Conv(x, b.Parameter(name, scaffold.Weight(Channels, Channels, 1, 1)), null, 0)
                        : b.Transpose(
                            b.MatMul(
                                b.Transpose(b.Reshape(x, 1, Channels, Places), 0, 2, 1),
                                b.Parameter(name, scaffold.Matrix(Channels, Channels))
                            ),
                            0,
                            2,
                            1
                        );
                Value Tokens(Value x) => b.Reshape(x, 1, Channels, Places);
                var q = b.Softmax(Tokens(Projection("q", h)), 1);
                var k = b.Softmax(Tokens(Projection("k", h)), 2);
                var v = Tokens(Projection("v", h));
                var context = b.MatMul(k, b.Transpose(v, 0, 2, 1));
                var mixed = b.MatMul(b.Transpose(context, 0, 2, 1), q);
                var image = b.Reshape(mixed, 1, Channels, Scaffold.Size, Scaffold.Size);
                return h + b.Reshape(Projection("out", image), 1, Channels, Scaffold.Size, Scaffold.Size);
            }
        );
        NormalizeGraph.Apply(model);

        var layers = LayerAnalysis.Find(model.Graph, model.Graph.Inputs[0].Name, model.Graph.Inputs[1].Name);

        // q, k, v, out and both products; convolutions of the scaffold and its time embedding are none of them.
        Assert.Equal(6, layers.Count(l => l.Positions.HasFlag(LayerPositions.Attention)));
        Assert.Equal(2, layers.Count(l => l.Kind == LayerKind.MatrixProduct));
        Assert.Equal(
            layers.Where(l => l.Kind == LayerKind.MatrixProduct),
            layers.Where(l => l.Positions.HasFlag(LayerPositions.AttentionProduct))
        );
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void PoliciesNeedNoNames(NameStyle style)
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet with { NameStyle = style });
        NormalizeGraph.Apply(model);
        var layers = LayerAnalysis.Find(model.Graph, model.Graph.Inputs[0].Name, model.Graph.Inputs[1].Name);
        var strict = new LayerPlanner(model.Graph, new(BitWidths.Parse("W4A6"))).Plan(layers);
        var tfmq = new LayerPlanner(model.Graph, new(BitWidths.Parse("W4A6")) { Policy = Policy.Tfmq }).Plan(layers);

        Assert.All(strict.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
        Assert.All(
            strict.Layers.Where(l => (l.Positions & (LayerPositions.First | LayerPositions.Last)) != 0),
            l => Assert.Equal((8, 8), (l.WeightBits, l.Inputs[0].Bits))
        );
        Assert.All(
            strict.Layers.Where(l =>
                l.Kind == LayerKind.Convolution && (l.Positions & (LayerPositions.First | LayerPositions.Last)) == 0
            ),
            l => Assert.Equal((4, 6), (l.WeightBits, l.Inputs[0].Bits))
        );
        var efficient = new LayerPlanner(
            model.Graph,
            new(BitWidths.Parse("W4A6")) { Policy = Policy.EfficientDm }
        ).Plan(layers);
        Assert.All(
            efficient.Layers,
            l =>
                Assert.Equal(
                    l.Kind == LayerKind.MatrixProduct
                        || l.Kind == LayerKind.Convolution
                            && (l.Positions & (LayerPositions.Skip | LayerPositions.Downsample)) != 0
                            ? (LayerMode.Float, 32)
                        : (l.Positions & (LayerPositions.First | LayerPositions.Last | LayerPositions.TimeMlp)) != 0
                            ? (LayerMode.Integer, 8)
                        : (LayerMode.Integer, 4),
                    (l.Mode, l.Mode == LayerMode.Float ? 32 : l.WeightBits)
                )
        );
        var kept = LayerPositions.First | LayerPositions.Last | LayerPositions.Skip | LayerPositions.Downsample;
        Assert.All(tfmq.Layers, l => Assert.Equal((l.Positions & kept) != 0, l.Mode == LayerMode.Float));
    }
}
