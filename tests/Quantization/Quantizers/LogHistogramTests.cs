using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class LogHistogramTests
{
    private static LogHistogram Of(Func<double, double> inverse)
    {
        var random = new Random(1);
        var histogram = new LogHistogram();
        histogram.Add([.. Enumerable.Range(0, 20_000).Select(_ => (float)inverse(random.NextDouble()))]);
        return histogram;
    }

    [Theory]
    [InlineData(1.5)]
    [InlineData(2)]
    [InlineData(3)]
    public void APowerLawIsRecognised(double exponent) =>
        Assert.True(Of(u => Math.Min(1e-4 * Math.Pow(1 - u, -1 / (exponent - 1)), 1)).PowerLawEvidence() > 0);

    [Fact]
    public void UniformAndExponentialValuesAreNone()
    {
        Assert.True(Of(u => u).PowerLawEvidence() < 0);
        Assert.True(Of(u => -0.01 * Math.Log(1 - u)).PowerLawEvidence() < 0);
    }

    [Fact]
    public void ValuesThatAreAllTheSameSayNothing()
    {
        var histogram = new LogHistogram();
        Assert.Equal(0, histogram.PowerLawEvidence());
        histogram.Add([0.25f, 0.25f, 0, 0]);
        Assert.Equal(2, histogram.Count);
        Assert.Equal(0, histogram.PowerLawEvidence());
    }
}
