using System.Diagnostics;
using DiffusionQuant.Evaluation.Metrics;
using Xunit.Abstractions;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class FrechetDistanceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("64")]
    [InlineData("64 close")]
    [InlineData("64 far from zero")]
    [InlineData("64 with few images")]
    [InlineData("64 with few images on both sides")]
    [InlineData("2048")]
    [InlineData("2048 with few images")]
    public void Agrees_with_an_independent_calculation(string name)
    {
        var expected = ReferenceFile.Read<FrechetCase[]>("frechet.json").Single(c => c.Name == name);
        var watch = Stopwatch.StartNew();
        var one = Statistics(expected.One, expected.Dimensions);
        var two = Statistics(expected.Two, expected.Dimensions);
        output.WriteLine($"{name}: statistics {watch.Elapsed.TotalSeconds:F2} s");
        watch.Restart();
        var distance = FrechetDistance.Between(one, two);
        output.WriteLine($"{name}: distance {distance:R} in {watch.Elapsed.TotalSeconds:F2} s");
        ReferenceFile.AssertClose(expected.Expected, distance, 1e-6);
    }

    [Fact]
    public void Agrees_on_features_of_real_images()
    {
        var features = FashionValues.Features();
        var expected = FashionValues.Read();
        var half = features.Length / 2;
        var one = new GaussianStatistics(64);
        var two = new GaussianStatistics(64);
        one.Add(features.AsSpan(0, half));
        two.Add(features.AsSpan(half));
        ReferenceFile.AssertClose(expected.Frechet, FrechetDistance.Between(one, two), 1e-6);
    }

    [Theory]
    [InlineData(300, 48)]
    [InlineData(20, 48)]
    [InlineData(2, 48)]
    public void A_set_has_no_distance_to_itself(int count, int dimensions)
    {
        var statistics = new GaussianStatistics(dimensions);
        statistics.Add(PlantedFeatures.Make(1, count, dimensions, 3, 0.5));
        var traces = Enumerable.Range(0, dimensions).Sum(i => statistics.Covariance()[(i * dimensions) + i]);
        Assert.InRange(FrechetDistance.Between(statistics, statistics), 0, 1e-7 * traces);
    }

    [Fact]
    public void Moved_sets_are_as_far_apart_as_they_were_moved()
    {
        var features = PlantedFeatures.Make(1, 200, 16, 0, 0.5);
        var moved = features.Select(v => v + 2f).ToArray();
        var one = new GaussianStatistics(16);
        var two = new GaussianStatistics(16);
        one.Add(features);
        two.Add(moved);
        ReferenceFile.AssertClose(16 * 4, FrechetDistance.Between(one, two), 1e-6);
    }

    [Fact]
    public void Diagonal_covariances_have_a_closed_form()
    {
        // Scales many orders apart: Σ (√a − √b)² counts them all.
        double[] a = [1e12, 4, 0, 9e-12];
        double[] b = [1e12, 1, 25, 1e-12];
        double[] mean = [0, 0, 0, 0];
        Assert.Equal(26, FrechetDistance.Between(mean, Diagonal(a), mean, Diagonal(b)), 1e-3);
        Assert.Equal(4e-12, FrechetDistance.Between([0], [9e-12], [0], [1e-12]), 1e-24);
    }

    [Fact]
    public void Sets_of_equal_images_have_the_distance_of_their_means()
    {
        double[] none = [0, 0, 0, 0];
        Assert.Equal(25, FrechetDistance.Between([0, 0], none, [3, 4], none));
    }

    [Fact]
    public void Features_that_are_not_finite_are_refused()
    {
        double[] covariance = [1, 0, 0, double.NaN];
        Assert.Throws<ArithmeticException>(() => FrechetDistance.Between([0, 0], covariance, [0, 0], [1, 0, 0, 1]));
        double[] beside = [1, double.NaN, double.NaN, 1];
        Assert.Throws<ArithmeticException>(() => FrechetDistance.Between([0, 0], beside, [0, 0], [1, 0, 0, 1]));
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between([0, 0], [1, 0, 0, 1], [0], [1]));
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between([0, 0], [1, 0, 0], [0, 0], [1, 0, 0, 1]));
    }

    private static GaussianStatistics Statistics(PlantedSet set, int dimensions)
    {
        var statistics = new GaussianStatistics(dimensions);
        statistics.Add(PlantedFeatures.Make(set.Seed, set.Count, dimensions, set.Offset, set.Memory));
        return statistics;
    }

    private static double[] Diagonal(double[] values)
    {
        var matrix = new double[values.Length * values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            matrix[(i * values.Length) + i] = values[i];
        }

        return matrix;
    }

    private sealed record FrechetCase(string Name, int Dimensions, double Expected, PlantedSet One, PlantedSet Two);

    private sealed record PlantedSet(ulong Seed, int Count, double Offset, double Memory);
}
