using System.Diagnostics;
using DiffusionQuant.Evaluation.Metrics;
using Xunit.Abstractions;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class PrecisionRecallTests(ITestOutputHelper output)
{
    [Fact]
    public void Agrees_with_an_independent_calculation()
    {
        var (one, two) = FashionValues.Halves();
        var expected = FashionValues.Read();
        Assert.Equal(
            (expected.Precision, expected.Recall),
            PrecisionRecall.Between(one, two, FashionValues.Dimensions)
        );
        Assert.Equal(
            (expected.Precision5, expected.Recall5),
            PrecisionRecall.Between(one, two, FashionValues.Dimensions, neighbours: 5)
        );
    }

    [Fact]
    public void Generating_a_part_of_the_reference_is_precise_and_forgets_the_rest()
    {
        // Two clusters on a line, of which one alone is generated.
        var reference = Enumerable.Range(0, 20).Select(i => i < 10 ? i : 1000f + i).ToArray();
        var generated = Enumerable.Range(0, 10).Select(i => i + 0.5f).ToArray();
        Assert.Equal((1, 0.5), PrecisionRecall.Between(reference, generated, 1));
        Assert.Equal((0.5, 1), PrecisionRecall.Between(generated, reference, 1));
    }

    [Fact]
    public void A_point_on_the_edge_of_a_ball_is_inside()
    {
        float[] reference = [0, 4, 8];
        // With one neighbour the balls reach 4 to each side: 12 is on the edge, 13 outside.
        Assert.Equal(0.5, PrecisionRecall.Between(reference, new float[] { 12, 13 }, 1, 1).Precision);
    }

    [Fact]
    public void Equal_sets_cover_each_other()
    {
        var (one, _) = FashionValues.Halves();
        Assert.Equal((1, 1), PrecisionRecall.Between(one, one, FashionValues.Dimensions));
    }

    [Fact]
    public void Sets_larger_than_a_block_far_from_zero_are_compared_as_a_whole()
    {
        var watch = Stopwatch.StartNew();
        var one = PlantedFeatures.Make(1, 1300, 8, 0, 0.5).Select(v => MathF.Round(v * 128) / 128).ToArray();
        var two = PlantedFeatures.Make(2, 1100, 8, 0.5, 0.5).Select(v => MathF.Round(v * 128) / 128).ToArray();
        var near = PrecisionRecall.Between(one, two, 8);
        output.WriteLine($"{near} in {watch.Elapsed.TotalSeconds:F2} s");
        Assert.InRange(near.Precision, 0.05, 0.95);
        Assert.InRange(near.Recall, 0.05, 0.95);
        // Exact in float32: a manifold does not depend on where it is.
        var moved = PrecisionRecall.Between(
            one.Select(v => v + 4096).ToArray(),
            two.Select(v => v + 4096).ToArray(),
            8
        );
        Assert.Equal(near, moved);
        Assert.Equal(Directly(one, two, 8, 3), near);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => PrecisionRecall.Between(new float[5], new float[8], 2));
        Assert.Throws<ArgumentException>(() => PrecisionRecall.Between(new float[6], new float[8], 2));
    }

    /// <summary>The definition, pair by pair.</summary>
    private static (double Precision, double Recall) Directly(float[] reference, float[] generated, int d, int k)
    {
        return (Covered(generated, reference), Covered(reference, generated));

        double Covered(float[] points, float[] manifold)
        {
            var radii = new double[manifold.Length / d];
            Parallel.For(
                0,
                radii.Length,
                i =>
                    radii[i] = Enumerable
                        .Range(0, radii.Length)
                        .Where(j => j != i)
                        .Select(j => Squared(manifold, i, manifold, j))
                        .Order()
                        .ElementAt(k - 1)
            );
            var inside = ParallelEnumerable
                .Range(0, points.Length / d)
                .Count(p => Enumerable.Range(0, radii.Length).Any(i => Squared(points, p, manifold, i) <= radii[i]));
            return (double)inside / (points.Length / d);
        }

        double Squared(float[] a, int i, float[] b, int j)
        {
            var sum = 0.0;
            for (var c = 0; c < d; c++)
            {
                double difference = a[(i * d) + c] - b[(j * d) + c];
                sum += difference * difference;
            }

            return sum;
        }
    }
}
