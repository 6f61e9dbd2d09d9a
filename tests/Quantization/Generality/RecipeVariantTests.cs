using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Bits, rules, policies and methods over a whole network.</summary>
public class RecipeVariantTests
{
    private static QuantizedModel Quantize(string bits, Func<Recipe, Recipe>? change = null, params string[] rules) =>
        new(DdpmUNet.Build(DdpmUNetSettings.Tiny), bits, change, null, rules);

    [Theory]
    [InlineData("W2A4", "mse")]
    [InlineData("W3A6", "mse")]
    [InlineData("W6A6", "minmax")]
    [InlineData("W4A4", "minmax")]
    [InlineData("W8A8", "minmax")]
    public void Bits(string bits, string method)
    {
        using var model = Quantize(bits, r => r with { Method = method });
        model.AssertSound(bits is "W8A8" or "W6A6" ? 12 : 0);
        Assert.All(model.Report.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
    }

    [Theory]
    [InlineData("position:attention=float")]
    [InlineData("type:Conv=W8A8")]
    [InlineData("*/conv1/*=W4")]
    public void Rules(string rule)
    {
        using var model = Quantize("W6A8", r => r with { Method = "minmax" }, rule);
        model.AssertSound(10);
        var expected = rule.EndsWith("float") ? LayerMode.Float : LayerMode.Integer;
        Assert.Contains(model.Report.Layers, l => l.Mode == expected && l.WeightBits != 6);
    }

    [Theory]
    [InlineData(4, LayerMode.Integer)]
    [InlineData(16, LayerMode.Float)]
    public void SoftmaxBits(int bits, LayerMode product)
    {
        using var model = Quantize("W8A8", r => r with { SoftmaxBits = bits, Method = "minmax" });
        model.AssertSound(8);
        // The scores' product does not read the softmax.
        Assert.Equal(
            product == LayerMode.Integer ? 0 : model.Report.Layers.Count(l => l.Mode == LayerMode.Float),
            model.Report.Layers.Count(l => l.WeightShape is null && l.Mode == LayerMode.Float)
        );
        Assert.Equal(bits == 4, model.Report.Layers.Any(l => l.Inputs.Any(i => i.Bits == 4)));
    }

    [Fact]
    public void TheTfmqPolicy()
    {
        using var model = Quantize("W8A8", r => r with { Policy = Policy.Tfmq, Method = "minmax" });
        model.AssertSound(10);
        Assert.Contains(model.Report.Layers, l => l is { Mode: LayerMode.Float } && l.Positions.Contains("first"));
        Assert.Contains(model.Report.Layers, l => l is { Mode: LayerMode.Float } && l.Positions.Contains("last"));
    }
}
