using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class SoftRoundingTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void BeginsAtTheFloatWeight(int bits)
    {
        var weight = TestModels.Numbers(bits, 8 * 9);
        var nearest = WeightQuantizer.Quantize(weight, [8, 9], 0, bits, new MinMaxRange());
        var rounding = new SoftRounding(weight, nearest);

        for (var i = 0; i < weight.Length; i++)
        {
            var quantizer = nearest.Quantizers[i / 9];
            var soft = rounding.Lower[i] + (rounding.Span[i] * SoftRounding.Rectify(rounding.InitialAlpha[i]));
            var expected = Math.Clamp(weight[i], quantizer.LowestValue, quantizer.HighestValue);
            Assert.Equal(expected, soft, quantizer.Scale * 2e-3f);
        }
    }

    [Fact]
    public void HardensUpOrDownByOneStepAtMost()
    {
        var weight = TestModels.Numbers(3, 64);
        var nearest = WeightQuantizer.Quantize(weight, [4, 16], 0, 4, new MseRange());
        var rounding = new SoftRounding(weight, nearest);

        var up = rounding.Harden(Enumerable.Repeat(1f, 64).ToArray());
        var down = rounding.Harden(Enumerable.Repeat(-1f, 64).ToArray());
        var initial = rounding.Harden(rounding.InitialAlpha);

        for (var i = 0; i < 64; i++)
        {
            Assert.InRange(up.Codes.Span[i] - down.Codes.Span[i], 0, 1);
            Assert.InRange(nearest.Codes.Span[i], down.Codes.Span[i], up.Codes.Span[i]);
        }

        // The first variables already stand for rounding to nearest.
        Assert.Equal(nearest.Codes.ToArray(), initial.Codes.ToArray());
    }
}
