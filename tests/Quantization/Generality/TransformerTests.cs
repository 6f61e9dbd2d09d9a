using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Diffusion transformers, in the forms of different exporters.</summary>
public class TransformerTests
{
    private static readonly TransformerForm[] Forms =
    [
        new(),
        new()
        {
            DecomposedNorm = true,
            TanhGelu = true,
            DividesScores = true,
            Opset = 13,
            Style = NameStyle.Numbered,
        },
        new()
        {
            EinsumUnpatchify = true,
            FlatLinears = true,
            Opset = 18,
            Style = NameStyle.Dynamo,
        },
        new() { Type = ElementType.Float16, EinsumUnpatchify = true },
        new()
        {
            Type = ElementType.Float16,
            DecomposedNorm = true,
            FlatLinears = true,
            Opset = 21,
        },
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ChannelsAndTimestepsAreScaled(int form)
    {
        using var model = new QuantizedModel(
            new Transformer(Forms[form]).Build(),
            "W8A8",
            r => r with { Method = "tcaq-dm", Iterations = 2 }
        );
        model.AssertSound(10);
    }

    [Theory]
    [InlineData(0, "mpq-dm-plus")]
    [InlineData(1, "mpq-dm-plus")]
    [InlineData(2, "mpq-dm-plus")]
    [InlineData(3, "mpq-dm-plus")]
    [InlineData(0, "q-dm")]
    [InlineData(2, "q-dm")]
    [InlineData(3, "q-dm")]
    public void TheWholeNetworkIsTrained(int form, string method)
    {
        using var model = new QuantizedModel(
            new Transformer(Forms[form]).Build(),
            "W3A8",
            r => r with { Method = method, Iterations = 2 }
        );
        model.AssertSound(0);
    }

    [Theory]
    [InlineData(0, "W8A8")]
    [InlineData(1, "W8A8")]
    [InlineData(2, "W8A8")]
    [InlineData(3, "W8A8")]
    [InlineData(4, "W8A8")]
    [InlineData(0, "W4A8")]
    [InlineData(3, "W4A16")]
    public void EveryForm(int form, string bits)
    {
        using var model = new QuantizedModel(new Transformer(Forms[form]).Build(), bits);
        model.AssertSound(bits == "W8A8" ? 20 : 8);
        Assert.All(model.Report.Layers, l => Assert.Null(l.Reason));
        // Patches, two of the time embedding, two modulations, four and two of a block, the output; and two products.
        Assert.Equal(14, model.Report.Layers.Count);
        Assert.Equal(7, model.Report.Layers.Count(l => l.Positions.Contains("attention")) + 1);
    }

    [Fact]
    public void AttentionStaysFloatByRule()
    {
        using var model = new QuantizedModel(
            new Transformer(Forms[0]).Build(),
            "W8A8",
            null,
            null,
            "position:attention=float"
        );
        model.AssertSound(20);
        Assert.Equal(6, model.Report.Layers.Count(l => l.Mode == LayerMode.Float));
    }
}
