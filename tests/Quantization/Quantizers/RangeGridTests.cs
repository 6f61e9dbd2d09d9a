using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class RangeGridTests
{
    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 1)]
    [InlineData(-0.2785f, 11.7f)]
    [InlineData(-3e-20f, 7e-19f)]
    [InlineData(-1e30f, 0)]
    [InlineData(0, 0)]
    public void ARangeGrowsByLessThanASixtyFourthOfItself(float min, float max)
    {
        var (low, high) = RangeGrid.Outward(min, max);

        var magnitude = Math.Max(Math.Abs(min), Math.Abs(max));
        Assert.InRange(min - low, -magnitude / 50_000, magnitude / 64);
        Assert.InRange(high - max, -magnitude / 50_000, magnitude / 64);
    }

    [Fact]
    public void LastDigitsDoNotDecide()
    {
        var changed = 0;
        var ranges = TestModels.Numbers(3, 2000).Chunk(2).Select(p => (Min: Math.Min(p[0], 0), Max: Math.Max(p[1], 1)));
        foreach (var (min, max) in ranges)
        {
            var noisy = RangeGrid.Outward(min * (1 + 3e-6f), max * (1 - 3e-6f));
            changed += noisy == RangeGrid.Outward(min, max) ? 0 : 1;
        }

        // Of a thousand ranges those change of which an end lies within the noise of a grid line.
        Assert.InRange(changed, 0, 5);
    }

    [Fact]
    public void EndsThatAreExactInTheoryStay()
    {
        foreach (var one in new[] { 1f, MathF.BitDecrement(1), MathF.BitIncrement(1) })
        {
            Assert.Equal((0f, 1f), RangeGrid.Outward(0, one));
        }
    }

    [Fact]
    public void AHistogramsRangeIsOnTheGridAndItsExtremesAreNot()
    {
        var histogram = new StreamingHistogram();
        histogram.Add([-0.333f, 0.777f]);

        Assert.Equal((-0.333f, 0.777f), (histogram.Min, histogram.Max));
        Assert.Equal(RangeGrid.Outward(-0.333f, 0.777f), histogram.Range);
        Assert.NotEqual(0.777f, histogram.Range.Max);
    }
}
