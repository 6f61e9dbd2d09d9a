using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// The manifold of a set of features: balls round each that reach to its k-th nearest neighbour in the set. Its radii are
/// what takes long, and one reference is compared with many sets.
/// </summary>
internal sealed class FeatureManifold
{
    /// <summary>k, as the literature takes it.</summary>
    public const int UsualNeighbours = 3;

    private readonly ReadOnlyMemory<float> features;
    private readonly int neighbours;
    private readonly Lazy<double[]> radii;

    /// <summary>The manifold of some features.</summary>
    /// <param name="features">Count·d numbers in rows.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="neighbours">k.</param>
    /// <exception cref="ArgumentException">A feature is not whole, or there are no more than k.</exception>
    public FeatureManifold(ReadOnlyMemory<float> features, int dimensions, int neighbours = UsualNeighbours)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbours);
        var count = FeatureRows.Count(features, dimensions, nameof(features));
        if (count <= neighbours)
        {
            throw new ArgumentException($"A set of {count} features has no {neighbours} nearest neighbours each.");
        }

        this.features = features;
        this.neighbours = neighbours;
        Mean = MeanOf(features, dimensions);
        radii = new(() => RadiiAbout(Mean));
    }

    /// <summary>The features' mean.</summary>
    public double[] Mean { get; }

    /// <summary>The squared radius of each ball.</summary>
    public double[] Radii => radii.Value;

    /// <summary>The features about a point.</summary>
    public DistanceBlocks About(double[] center) => new(features, center);

    /// <summary>The squared radius of each ball, computed about a point.</summary>
    public double[] RadiiAbout(double[] center)
    {
        var set = About(center);
        // For each feature the smallest k distances so far, in ascending order.
        var nearest = new double[set.Count * neighbours];
        Array.Fill(nearest, double.PositiveInfinity);
        set.ForEachBlock(
            set,
            block =>
                Workers.For(
                    0,
                    block.Rows,
                    r =>
                    {
                        var row = block.FirstRow + r;
                        var best = nearest.AsSpan(row * neighbours, neighbours);
                        var distances = block.Row(r);
                        for (var c = 0; c < distances.Length; c++)
                        {
                            if (distances[c] < best[^1] && block.FirstColumn + c != row)
                            {
                                Insert(best, distances[c]);
                            }
                        }
                    }
                )
        );
        return [.. Enumerable.Range(0, set.Count).Select(i => nearest[(i * neighbours) + neighbours - 1])];
    }

    private static double[] MeanOf(ReadOnlyMemory<float> features, int dimensions)
    {
        var mean = new double[dimensions];
        var row = new double[dimensions];
        var count = features.Length / dimensions;
        for (var i = 0; i < count; i++)
        {
            FeatureRows.Copy(features, i, row);
            for (var j = 0; j < dimensions; j++)
            {
                mean[j] += row[j] / count;
            }
        }

        return mean;
    }

    private static void Insert(Span<double> ascending, double value)
    {
        var i = ascending.Length - 1;
        for (; i > 0 && ascending[i - 1] > value; i--)
        {
            ascending[i] = ascending[i - 1];
        }

        ascending[i] = value;
    }
}
