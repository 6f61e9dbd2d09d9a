using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>Low-rank changes of weights against products written down.</summary>
public sealed class LowRankFactorsTests
{
    [Theory]
    [InlineData(12, 30, 3)]
    [InlineData(30, 12, 1)]
    [InlineData(5, 5, 5)]
    public void AMatrixOfTheRankIsFoundAgain(int rows, int columns, int rank)
    {
        var (b, a) = (TestModels.Numbers(1, rows * rank), TestModels.Numbers(2, rank * columns));
        var matrix = LowRankFactors.Merge(new float[rows * columns], rank, a, b);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                var sum = Enumerable.Range(0, rank).Sum(k => (double)b[(i * rank) + k] * a[(k * columns) + j]);
                Assert.Equal(sum, matrix[(i * columns) + j], 1e-4);
            }
        }

        var best = LowRankFactors.Best(matrix, rows, columns, rank, new Random(0));
        var again = LowRankFactors.Merge(new float[rows * columns], rank, best.A, best.B);
        Assert.All(again.Zip(matrix), p => Assert.Equal(p.Second, p.First, 1e-3f));
    }

    /// <summary>A diagonal matrix' best approximation keeps its largest entries: what is left is known.</summary>
    [Fact]
    public void TheLargestSingularValuesAreTaken()
    {
        const int Size = 16;
        var matrix = new float[Size * Size];
        for (var i = 0; i < Size; i++)
        {
            matrix[(i * Size) + i] = i < 4 ? 10 + i : 0.1f;
        }

        var best = LowRankFactors.Best(matrix, Size, Size, 4, new Random(3));
        var rest = LowRankFactors.Merge(matrix, 4, best.A, [.. best.B.Select(v => -v)]);
        Assert.Equal(12 * 0.01, rest.Sum(v => (double)v * v), 1e-3);
    }

    [Fact]
    public void FactorsOfTheErrorLowerIt()
    {
        var weight = TestModels.Numbers(5, 64 * 32);
        var quantized = WeightQuantizer.Quantize(weight, [64, 32], 0, 2, new MseRange());
        var random = LowRankFactors.Of(weight, quantized, 8, LowRankStart.Random, new Random(0));
        Assert.All(random.B, v => Assert.Equal(0, v));
        Assert.Contains(random.A, v => v != 0);

        var error = weight.Zip(quantized.ToFloats(), (w, q) => w - q).ToArray();
        var start = LowRankFactors.Of(weight, quantized, 8, LowRankStart.QuantizationError, new Random(0));
        var rest = LowRankFactors.Merge(error, 8, start.A, [.. start.B.Select(v => -v)]);
        Assert.True(rest.Sum(v => (double)v * v) < 0.7 * error.Sum(v => (double)v * v));
    }

    [Fact]
    public void TheWeightBoundsTheRank()
    {
        var weight = TestModels.Numbers(5, 4 * 32);
        var quantized = WeightQuantizer.Quantize(weight, [4, 32], 0, 2, new MseRange());
        Assert.Equal(4, LowRankFactors.Of(weight, quantized, 32, LowRankStart.Random, new Random(0)).Rank);
    }
}
