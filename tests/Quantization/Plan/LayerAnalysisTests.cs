using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

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
