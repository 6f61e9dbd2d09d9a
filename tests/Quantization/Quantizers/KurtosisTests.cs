using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class KurtosisTests
{
    [Theory]
    [InlineData(9, 0.3, 0)]
    [InlineData(576, 0.02, 5)]
    [InlineData(2304, 100, -3)]
    public void AgreesWithDoublePrecision(int count, double scale, float shift)
    {
        var values = TestModels.Numbers(count, count, scale).Select(v => v + shift).ToArray();
        var exact = values.Select(v => (decimal)(double)v).ToArray();
        var mean = exact.Average();
        var fourth = exact.Average(v => (v - mean) * (v - mean) * (v - mean) * (v - mean));
        var second = exact.Average(v => (v - mean) * (v - mean));
        Assert.Equal((double)(fourth / (second * second)), Kurtosis.Of(values), 1e-9);
    }

    [Fact]
    public void KnowsTheLaws()
    {
        Assert.Equal(1, Kurtosis.Of([-2, 2, -2, 2]), 1e-12);
        Assert.Equal(1.8, Kurtosis.Of([.. Enumerable.Range(0, 10001).Select(i => (float)i)]), 1e-6);
        // One value far out among n equal ones: near n.
        Assert.Equal(100, Kurtosis.Of([.. Enumerable.Repeat(1f, 101), 50]), 0.1 * 100);
    }

    [Theory]
    [InlineData(new float[0])]
    [InlineData(new[] { 3f })]
    [InlineData(new[] { 0.1f, 0.1f, 0.1f })]
    public void EqualValuesHaveNoOutliers(float[] values) => Assert.Equal(0, Kurtosis.Of(values));

    [Fact]
    public void ChannelsAreThoseOfTheAxis()
    {
        float[] weight = [1, 0, 1, 0, 1, 9];
        Assert.Equal([Kurtosis.Of([1, 1, 1]), Kurtosis.Of([0, 0, 9])], Kurtosis.OfChannels(weight, [3, 2], 1));
    }
}
