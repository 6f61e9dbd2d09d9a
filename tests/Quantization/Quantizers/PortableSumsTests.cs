using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

/// <summary>Sums to the last bit, as scalar arithmetic in the documented order gives them on any processor.</summary>
public class PortableSumsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(37)]
    [InlineData(1000)]
    public void TheOrderIsThatOfEightLanes(int count)
    {
        var (x, y) = (TestModels.Numbers(1, count), TestModels.Numbers(2, count));

        Assert.Equal(InLanes(count, 8, i => x[i]), PortableSums.Sum(x));
        Assert.Equal(InLanes(count, 8, i => x[i] * y[i]), PortableSums.Dot(x, y));
        Assert.Equal(InLanes(count, 8, i => x[i] * x[i]), PortableSums.SumOfSquares(x));
        Assert.Equal(MathF.Sqrt(InLanes(count, 8, i => (x[i] - y[i]) * (x[i] - y[i]))), PortableSums.Distance(x, y));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(301)]
    public void DoublesAreExactToTheirDigits(int count)
    {
        double[] x = [.. TestModels.Numbers(1, count).Select(v => (double)v)];
        double[] y = [.. TestModels.Numbers(2, count).Select(v => (double)v)];
        var exact = x.Zip(y, (a, b) => (decimal)a * (decimal)b).Sum();

        Assert.Equal((double)exact, PortableSums.Dot(x, y), 1e-12 * Math.Max(count, 1));
    }

    [Fact]
    public void DifferentLengthsAreRefused() =>
        Assert.Throws<ArgumentException>(() => PortableSums.Dot(new float[3], new float[4]));

    private static float InLanes(int count, int lanes, Func<int, float> term)
    {
        var sums = new float[lanes];
        var whole = count / lanes * lanes;
        for (var i = 0; i < whole; i++)
        {
            sums[i % lanes] += term(i);
        }

        var sum = 0f;
        foreach (var lane in sums)
        {
            sum += lane;
        }

        for (var i = whole; i < count; i++)
        {
            sum += term(i);
        }

        return sum;
    }
}
