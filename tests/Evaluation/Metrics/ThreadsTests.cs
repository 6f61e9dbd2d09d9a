using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

/// <summary>Metrics do not depend on how many threads work them out.</summary>
public sealed class ThreadsTests
{
    // Past the size from which products and reflections are worked on by several threads.
    private const int Dimensions = 300;

    private static readonly float[] One = PlantedFeatures.Make(1, 700, Dimensions, 3, 0.5);
    private static readonly float[] Two = PlantedFeatures.Make(2, 640, Dimensions, 3.1, 0.4);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Metrics_are_the_same_to_the_last_bit(int threads) =>
        Assert.Equal(
            Values(1).Select(BitConverter.DoubleToInt64Bits),
            Values(threads).Select(BitConverter.DoubleToInt64Bits)
        );

    private static double[] Values(int threads)
    {
        using var workers = Workers.Use(threads);
        var (precision, recall) = PrecisionRecall.Between(One, Two, Dimensions);
        var kernel = KernelDistance.Between(One, Two, Dimensions, subsets: 3, subsetSize: 200);
        return
        [
            FrechetDistance.Between(Statistics(One), Statistics(Two)),
            kernel.Mean,
            kernel.Deviation,
            precision,
            recall,
            Resampling.BootstrapError([.. One.Take(500).Select(v => (double)v)]),
        ];
    }

    private static GaussianStatistics Statistics(float[] features)
    {
        var statistics = new GaussianStatistics(Dimensions);
        statistics.Add(features);
        return statistics;
    }
}
