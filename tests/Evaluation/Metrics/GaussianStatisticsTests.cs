using DiffusionQuant.Evaluation.Metrics;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class GaussianStatisticsTests
{
    private const int Dimensions = 7;

    [Fact]
    public void Any_partition_of_the_rows_gives_the_same_moments()
    {
        var cuts = ArbMap.Default.GeneratorFor<int>().ListOf().ToArbitrary();
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                cuts,
                ArbMap.Default.ArbFor<NormalFloat>(),
                (found, center) =>
                {
                    var count = 600;
                    var features = PlantedFeatures.Make(5, count, Dimensions, 2, 0.5);
                    var whole = new GaussianStatistics(Dimensions);
                    whole.Add(features);
                    var merged = new GaussianStatistics(Dimensions);
                    var bounds = found
                        .Select(c => (int)((uint)c % (count + 1)))
                        .Append(0)
                        .Append(count)
                        .Order()
                        .ToArray();
                    for (var i = 1; i < bounds.Length; i++)
                    {
                        // Each part has a center of its own.
                        var near = Enumerable.Repeat(Math.Clamp((double)center, -10, 10) + i, Dimensions).ToArray();
                        var part = new GaussianStatistics(Dimensions, near);
                        part.Add(features.AsSpan(bounds[i - 1] * Dimensions, (bounds[i] - bounds[i - 1]) * Dimensions));
                        merged.Add(part);
                    }

                    Assert.Equal(count, merged.Count);
                    AssertSame(whole, merged, 1e-9);
                }
            )
        );
    }

    [Fact]
    public void Adding_rows_one_at_a_time_gives_the_same_bits()
    {
        var features = PlantedFeatures.Make(5, 300, Dimensions, 2, 0.5);
        var whole = new GaussianStatistics(Dimensions);
        whole.Add(features);
        var single = new GaussianStatistics(Dimensions);
        for (var i = 0; i < 300; i++)
        {
            single.Add(features.AsSpan(i * Dimensions, Dimensions));
        }

        Assert.Equal(whole.Mean(), single.Mean());
        Assert.Equal(whole.Covariance(), single.Covariance());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(200)]
    public void Moments_are_those_of_the_definition(int dimensions)
    {
        var count = 700;
        var features = PlantedFeatures.Make(5, count, dimensions, 1, 0.5);
        var statistics = new GaussianStatistics(dimensions);
        statistics.Add(features);
        var mean = statistics.Mean();
        var covariance = statistics.Covariance();
        for (var i = 0; i < dimensions; i++)
        {
            Assert.Equal(
                Enumerable.Range(0, count).Average(r => (double)features[(r * dimensions) + i]),
                mean[i],
                1e-12
            );
            for (var j = 0; j < dimensions; j += 5)
            {
                var expected = Enumerable
                    .Range(0, count)
                    .Sum(r => (features[(r * dimensions) + i] - mean[i]) * (features[(r * dimensions) + j] - mean[j]));
                Assert.Equal(expected / (count - 1), covariance[(i * dimensions) + j], 1e-12);
            }
        }
    }

    [Fact]
    public void Features_far_from_zero_do_not_cancel()
    {
        var near = new GaussianStatistics(Dimensions);
        var far = new GaussianStatistics(Dimensions);
        var centered = new GaussianStatistics(Dimensions, Enumerable.Repeat(1e4, Dimensions).ToArray());
        // Multiples of 1/512 with a deviation of about 1, which float32 holds exactly at 10^4 as well.
        var features = PlantedFeatures
            .Make(5, 5000, Dimensions, 0, 0)
            .Select(v => MathF.Round(v * 1024) / 512)
            .ToArray();
        near.Add(features);
        var moved = features.Select(v => v + 1e4f).ToArray();
        far.Add(moved);
        centered.Add(moved);
        AssertClose(near.Covariance(), far.Covariance(), 1e-6);
        AssertClose(near.Covariance(), centered.Covariance(), 1e-12);
        Assert.InRange(FrechetDistance.Between(far, centered), 0, 1e-6);
    }

    [Fact]
    public void A_part_that_is_taken_away_leaves_the_rest()
    {
        var features = PlantedFeatures.Make(5, 500, Dimensions, 2, 0.5);
        var whole = new GaussianStatistics(Dimensions);
        whole.Add(features);
        var part = new GaussianStatistics(Dimensions, [1, 2, 3, 4, 5, 6, 7]);
        part.Add(features.AsSpan(0, 100 * Dimensions));
        var rest = new GaussianStatistics(Dimensions);
        rest.Add(features.AsSpan(100 * Dimensions));
        var left = whole.Subtract(part);
        Assert.Equal(400, left.Count);
        Assert.Equal(500, whole.Count);
        AssertSame(rest, left, 1e-9);
        Assert.Throws<ArgumentException>(() => part.Subtract(whole));
    }

    [Fact]
    public void Statistics_survive_their_file_and_go_on()
    {
        var features = PlantedFeatures.Make(5, 500, Dimensions, 2, 0.5);
        var whole = new GaussianStatistics(Dimensions, [1, 2, 3, 4, 5, 6, 7]);
        whole.Add(features);
        var first = new GaussianStatistics(Dimensions, [1, 2, 3, 4, 5, 6, 7]);
        first.Add(features.AsSpan(0, 300 * Dimensions));
        var read = GaussianStatistics.Read(new BinaryReader(new MemoryStream(Written(first))));
        Assert.Equal(first.Mean(), read.Mean());
        Assert.Equal(first.Covariance(), read.Covariance());
        read.Add(features.AsSpan(300 * Dimensions));
        AssertSame(whole, read, 1e-12);
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        var statistics = new GaussianStatistics(Dimensions);
        statistics.Add(new float[Dimensions]);
        var bytes = Written(statistics);
        Assert.Throws<EndOfStreamException>(() =>
            GaussianStatistics.Read(new BinaryReader(new MemoryStream(bytes[..^1])))
        );
        bytes[4] = bytes[7] = 0xFF;
        Assert.Throws<InvalidDataException>(() => GaussianStatistics.Read(new BinaryReader(new MemoryStream(bytes))));
    }

    [Fact]
    public void Known_moments_come_back()
    {
        double[] mean = [1, 2];
        double[] covariance = [4, 1, 1, 3];
        var statistics = GaussianStatistics.OfMoments(100, mean, covariance);
        Assert.Equal(mean, statistics.Mean());
        AssertClose(covariance, statistics.Covariance(), 1e-15);
        Assert.Equal(100, statistics.Count);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var statistics = new GaussianStatistics(3);
        Assert.Throws<ArgumentException>(() => statistics.Add(new float[4]));
        Assert.Throws<ArgumentException>(() => statistics.Add(new GaussianStatistics(4)));
        Assert.Throws<ArgumentException>(() => new GaussianStatistics(3, [1]));
        Assert.Throws<InvalidOperationException>(() => statistics.Mean());
        statistics.Add(new float[3]);
        Assert.Throws<InvalidOperationException>(() => statistics.Covariance());
    }

    private static byte[] Written(GaussianStatistics statistics)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        statistics.Write(writer);
        return stream.ToArray();
    }

    private static void AssertSame(GaussianStatistics expected, GaussianStatistics actual, double share)
    {
        Assert.Equal(expected.Count, actual.Count);
        AssertClose(expected.Mean(), actual.Mean(), share);
        AssertClose(expected.Covariance(), actual.Covariance(), share);
    }

    private static void AssertClose(double[] expected, double[] actual, double share)
    {
        var allowed = share * expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, allowed));
    }
}
