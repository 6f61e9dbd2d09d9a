using DiffusionQuant.Quantization.Quantizers;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class UniformQuantizerTests
{
    /// <summary>The definition, in double precision and without any shortcut.</summary>
    private static double Reference(double x, double scale, int zeroPoint, int bits)
    {
        var code = Math.Round(x / scale, MidpointRounding.ToEven) + zeroPoint;
        code = Math.Max(0, Math.Min(code, Math.Pow(2, bits) - 1));
        return scale * (code - zeroPoint);
    }

    [Fact]
    public void EqualsTheDefinition() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 8)
                    .SelectMany(bits =>
                        Gen.Choose(-400, 400)
                            .SelectMany(a =>
                                Gen.Choose(-400, 400)
                                    .SelectMany(b => Gen.Choose(-1000, 1000).Select(x => (bits, a, b, x)))
                            )
                    )
                    .ToArbitrary(),
                t =>
                {
                    var quantizer = UniformQuantizer.OfRange(
                        Math.Min(t.a, t.b) / 64f,
                        Math.Max(t.a, t.b) / 64f,
                        t.bits
                    );
                    var x = t.x / 97f;
                    var expected = Reference(x, quantizer.Scale, quantizer.ZeroPoint, t.bits);
                    // float and double may round a near-tie differently; then they are one step apart.
                    var ratio = x / (double)quantizer.Scale;
                    var tie = Math.Abs(Math.Abs(ratio - Math.Floor(ratio)) - 0.5) < 1e-5;
                    return tie || Math.Abs(quantizer.Simulate(x) - expected) <= 1e-5 * Math.Max(1, Math.Abs(expected));
                }
            )
        );

    [Fact]
    public void ZeroIsExact() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(-1000, 1000).SelectMany(a => Gen.Choose(1, 8).Select(bits => (a, bits))).ToArbitrary(),
                t => UniformQuantizer.OfRange(t.a / 10f, (t.a + 7) / 10f, t.bits).Simulate(0) == 0
            )
        );

    [Theory]
    [InlineData(float.PositiveInfinity, 255)]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(1e30f, 255)]
    public void ExtremeValuesSaturate(float value, int code) =>
        Assert.Equal(code, UniformQuantizer.OfRange(-1, 1, 8).Quantize(value));

    [Fact]
    public void AConstantZeroTensorIsQuantizable()
    {
        var quantizer = UniformQuantizer.OfRange(0, 0, 8);
        Assert.True(quantizer.Scale > 0);
        Assert.Equal(0, quantizer.Simulate(0));
    }

    [Fact]
    public void SymmetricHasTheMiddleCodeForZero()
    {
        var quantizer = UniformQuantizer.Symmetric(12.7f, 8);
        Assert.Equal(128, quantizer.ZeroPoint);
        Assert.Equal(0.1f, quantizer.Scale, 1e-6);
        Assert.Equal(12.7f, quantizer.Simulate(12.7f), 1e-5);
    }
}
