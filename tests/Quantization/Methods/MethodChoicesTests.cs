using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Methods;

public sealed class MethodChoicesTests
{
    private static readonly Recipe Plain = new(new BitWidths(4, 8));

    [Fact]
    public void The_recipe_comes_before_the_method()
    {
        Assert.Equal(256, MethodChoices.SamplesOf(Plain));
        Assert.Equal(7, MethodChoices.SamplesOf(Plain with { CalibrationSamples = 7 }));
        Assert.Equal(TimestepLaw.EveryK, MethodChoices.TimestepLawOf(Plain));
        Assert.Equal(
            TimestepLaw.Quadratic,
            MethodChoices.TimestepLawOf(Plain with { TimestepSampling = TimestepLaw.Quadratic })
        );
    }

    [Fact]
    public void A_mean_beside_a_method_whose_law_has_none_is_refused()
    {
        // The recipe alone cannot tell: another method's law may be normal.
        var recipe = Recipe.Of(new() { Bits = new(4, 8), TimestepMean = 0.3 });
        var error = Assert.Throws<DiffusionQuantException>(() => MethodChoices.TimestepLawOf(recipe));
        Assert.Equal("DQ1087", error.Code);
        Assert.Contains("'every-k'", error.Message);
    }
}
