using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class RangeSearchTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void MseFindsTheBestOfTheEightyRanges(int bits)
    {
        var values = TestModels.Numbers(bits, 2000);
        values[7] = 40;
        var (min, max) = (values.Min(), values.Max());
        var best = Enumerable
            .Range(0, 80)
            .Select(i => UniformQuantizer.OfRange(min * (1 - (0.01f * i)), max * (1 - (0.01f * i)), bits))
            .MinBy(q => values.Average(v => Math.Pow(Math.Abs(v - q.Simulate(v)), 2.4)));

        var found = new MseRange().Estimate(new ValuesDistribution(values), bits, Symmetry.Asymmetric);

        Assert.Equal(best.Scale, found.Scale, 0.03 * best.Scale);
    }

    [Fact]
    public void MseCutsAnOutlierThatMinMaxKeeps()
    {
        var values = TestModels.Numbers(1, 5000);
        values[0] = 60;
        var distribution = new ValuesDistribution(values);
        var mse = new MseRange().Estimate(distribution, 4, Symmetry.Asymmetric);
        var minmax = new MinMaxRange().Estimate(distribution, 4, Symmetry.Asymmetric);
        Assert.True(mse.Scale < 0.8 * minmax.Scale);
        Assert.True(distribution.Error(mse, 2.4) < distribution.Error(minmax, 2.4));
    }

    [Fact]
    public void PercentileTakesTheCandidateWithTheLeastSquaredError()
    {
        var values = TestModels.Numbers(3, 200_000);
        var distribution = new ValuesDistribution(values);
        var found = new PercentileRange().Estimate(distribution, 8, Symmetry.Asymmetric);
        foreach (var p in (double[])[0.999, 0.9999, 0.99999])
        {
            var other = UniformQuantizer.OfRange(distribution.Quantile(1 - p), distribution.Quantile(p), 8);
            Assert.True(distribution.Error(found, 2) <= distribution.Error(other, 2) * 1.000001);
        }
    }

    [Theory]
    [InlineData("minmax")]
    [InlineData("percentile")]
    [InlineData("mse")]
    public void AHistogramLeadsToTheSameRangeAsItsValues(string name)
    {
        IRangeEstimator estimator = name switch
        {
            "minmax" => new MinMaxRange(),
            "percentile" => new PercentileRange(),
            _ => new MseRange(),
        };
        var values = TestModels.Numbers(9, 100_000).Select(v => v > 0 ? v * 3 : v * 0.1f).ToArray();
        var histogram = new StreamingHistogram();
        histogram.Add(values);
        var exact = estimator.Estimate(new ValuesDistribution(values), 8, Symmetry.Asymmetric);
        var binned = estimator.Estimate(histogram, 8, Symmetry.Asymmetric);
        Assert.Equal(exact.Scale, binned.Scale, 0.03 * exact.Scale);
        // Either end of an observed range moves outward by less than a 64th of it: 4 of 256 codes.
        Assert.InRange(binned.ZeroPoint, exact.ZeroPoint - 4, exact.ZeroPoint + 4);
    }

    [Fact]
    public void ZeroBasedRangesBeginAtZero()
    {
        var quantizer = new MseRange().Estimate(new ValuesDistribution(new[] { 0f, 0.25f, 1f }), 8, Symmetry.ZeroBased);
        Assert.Equal(0, quantizer.ZeroPoint);
    }
}
