using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Constant, dead, huge and infinite values.</summary>
public class ExtremeValueTests
{
    private const int C = Scaffold.Channels;
    private readonly Scaffold scaffold = new();

    private QuantizedModel Quantize(Func<GraphBuilder, Value, Value> part, string bits) =>
        new(scaffold.Build((b, h, _) => part(b, h)), bits);

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W4A8")]
    public void ActivationsOfNothingButZero(string bits)
    {
        using var model = Quantize(
            (b, h) =>
            {
                var zero = h * b.Scalar(0f);
                var conv = b.Conv(
                    zero,
                    b.Parameter("w", scaffold.Weight(C, C, 3, 3)),
                    b.Parameter("b", scaffold.Bias(C)),
                    1
                );
                var tokens = b.Reshape(b.Conv(zero, b.Parameter("w", scaffold.Weight(C, C, 1, 1))), 0, C, -1);
                var product = b.MatMul(tokens, b.Parameter("m", scaffold.Matrix(64, 64)));
                return h + conv + b.Reshape(product, 0, C, 8, 8);
            },
            bits
        );
        model.AssertSound(10);
    }

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W3A6")]
    public void DeadChannelsAndHugeBiases(string bits)
    {
        using var model = Quantize(
            (b, h) =>
            {
                var values = scaffold.Weight(C, C, 3, 3).ToFloats().ToArray();
                values.AsSpan(0, 2 * C * 9).Clear();
                values.AsSpan(2 * C * 9, C * 9).Fill(1e-30f);
                var bias = scaffold.Bias(C).ToFloats().ToArray();
                (bias[0], bias[2], bias[3]) = (30, -40, 50);
                var conv = b.Conv(
                    h,
                    b.Parameter("w", OnnxTensor.Of("", values.AsSpan(), C, C, 3, 3)),
                    b.Parameter("b", OnnxTensor.Of("", bias.AsSpan(), C)),
                    1
                );
                return h + b.Op("Tanh", conv);
            },
            bits
        );
        model.AssertSound(bits == "W8A8" ? 15 : 4);
    }

    [Fact]
    public void ValuesThatAreNotFiniteAreRefused()
    {
        // The inner value is not finite, the output is: nothing else would notice.
        var error = Assert.Throws<DiffusionQuantException>(() =>
            Quantize(
                (b, h) =>
                {
                    var bad = b.Op("Log", h * b.Scalar(0f));
                    var conv = b.Conv(bad, b.Parameter("w", scaffold.Weight(C, C, 1, 1)));
                    return h + b.Op("Where", b.Op("IsNaN", conv), h, h);
                },
                "W8A8"
            )
        );
        Assert.Equal("DQ1092", error.Code);
    }

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W4A16")]
    public void OutputsThatAreNotFiniteAreRefused(string bits)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => Quantize((b, h) => h + b.Op("Log", -(h * h)), bits));
        Assert.Matches("^DQ10(92|55|95)$", error.Code);
    }
}
