using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>Bit operations against counts by hand: what a part adds to a network around it.</summary>
public sealed class BitOperationsTests
{
    private const double Places = Scaffold.Size * Scaffold.Size;
    private const double C = Scaffold.Channels;

    [Theory]
    [InlineData("W4A8", 4 * 8)]
    [InlineData("W4A16", 4 * 32)]
    [InlineData("W8A8", 8 * 8)]
    public void AConvolutionMultipliesEachPlaceByAllItsWeights(string bits, int product)
    {
        var (floats, quantized) = Added(
            bits,
            (s, b, h) => b.Conv(h, b.Parameter("weight", s.Weight(Scaffold.Channels, Scaffold.Channels, 3, 3)), null, 1)
        );
        Assert.Equal(Places * C * C * 9 * 32 * 32, floats, 1);
        Assert.Equal(Places * C * C * 9 * product, quantized, 1);
    }

    [Fact]
    public void ProductsOfActivationsCountToo()
    {
        var (floats, quantized) = Added(
            "W8A8",
            (_, b, h) =>
            {
                var tokens = b.Transpose(b.Reshape(h, 0, Scaffold.Channels, -1), 0, 2, 1);
                var scores = b.MatMul(tokens, b.Transpose(tokens, 0, 2, 1)) * b.Scalar(0.25f);
                var attended = b.MatMul(b.Softmax(scores), tokens);
                return b.Reshape(b.Transpose(attended, 0, 2, 1), -1, Scaffold.Channels, Scaffold.Size, Scaffold.Size);
            }
        );
        Assert.Equal(2 * Places * Places * C * 32 * 32, floats, 1);
        // The right side of a product has 7 bits beside 8 on the left.
        Assert.Equal(2 * Places * Places * C * 8 * 7, quantized, 1);
    }

    private static (double Float, double Quantized) Added(string bits, Func<Scaffold, GraphBuilder, Value, Value> part)
    {
        var without = Of((_, _, h) => h);
        var with = Of(part);
        return (with.Float - without.Float, with.Quantized - without.Quantized);

        BitOperations Of(Func<Scaffold, GraphBuilder, Value, Value> inner)
        {
            var scaffold = new Scaffold();
            using var model = new QuantizedModel(scaffold.Build((b, h, _) => inner(scaffold, b, h)), bits);
            return model.Report.BitOperations!;
        }
    }
}
