using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class PairedProductsTests
{
    [Theory]
    [InlineData(7, 1)]
    [InlineData(7, 2)]
    [InlineData(8, 1)]
    [InlineData(8, 2)]
    [InlineData(8, 3)]
    public void NeighboursOfWeightsStayWithin16Bits(int bits, int seed)
    {
        // Many outliers of one sign, where plain rounding passes the limit.
        var weight = TestModels.Numbers(seed, 8 * 6 * 9).Select(v => v > 0.5f ? 3 + v : v).ToArray();
        AssertNoPairSaturates(WeightQuantizer.Quantize(weight, [8, 6, 3, 3], 0, bits, new MinMaxRange()).ToInt8());
    }

    [Fact]
    public void LearnedCodesAreMovedUntilNoPairSaturates()
    {
        var random = new Random(1);
        var codes = new byte[8 * 6 * 9];
        random.NextBytes(codes);
        var quantizers = Enumerable.Repeat(new UniformQuantizer(0.01f, 128, 8), 8).ToArray();
        // The least code would stand for -128, which symmetric weights do not have.
        var learned = new QuantizedWeight([8, 6, 3, 3], 0, quantizers, [.. codes.Select(c => Math.Max(c, (byte)1))]);

        var settled = PairedProducts.Settle(learned);

        AssertNoPairSaturates(settled.ToInt8());
        var moved = settled.Codes.ToArray().Zip(learned.Codes.ToArray(), (a, b) => Math.Abs(a - b)).ToArray();
        Assert.InRange(moved.Max(), 1, 127);
        Assert.Same(settled, PairedProducts.Settle(settled));
    }

    private static void AssertNoPairSaturates(sbyte[] int8)
    {
        for (var o = 0; o < 8; o++)
        {
            var channel = int8.AsSpan(o * 54, 54).ToArray();
            var channelsInnermost = Enumerable.Range(0, 54).Select(i => channel[(i % 6 * 9) + (i / 6)]);
            foreach (var pair in channel.Chunk(2).Concat(channelsInnermost.Chunk(2)))
            {
                Assert.InRange(255 * (Math.Max((int)pair[0], 0) + Math.Max((int)pair[1], 0)), 0, short.MaxValue);
                Assert.InRange(255 * (Math.Min((int)pair[0], 0) + Math.Min((int)pair[1], 0)), short.MinValue, 0);
            }
        }
    }

    [Fact]
    public void OneLargeWeightCostsNearlyNothing()
    {
        var channel = new float[64];
        channel[10] = 2;
        channel[11] = -1;

        Assert.Equal(2 / 126f, PairedProducts.LeastScale(channel, 1), 1e-6f);
    }
}
