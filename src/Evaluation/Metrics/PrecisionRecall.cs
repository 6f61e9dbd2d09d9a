using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// Improved precision and recall (Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative
/// models"): a set's manifold is the union of balls round its features that reach to their k-th nearest neighbour in the set.
/// </summary>
public static class PrecisionRecall
{
    /// <summary>k of the literature.</summary>
    public const int UsualNeighbours = 3;

    /// <summary>The share of each set that lies within the other's manifold.</summary>
    /// <param name="reference">Count·d numbers in rows.</param>
    /// <param name="generated">Count·d numbers in rows.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="neighbours">k.</param>
    /// <exception cref="ArgumentException">A feature is not whole, or a set has no more than k.</exception>
    public static (double Precision, double Recall) Between(
        ReadOnlyMemory<float> reference,
        ReadOnlyMemory<float> generated,
        int dimensions,
        int neighbours = UsualNeighbours
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbours);
        var referenceCount = FeatureRows.Count(reference, dimensions, nameof(reference));
        var generatedCount = FeatureRows.Count(generated, dimensions, nameof(generated));
        if (Math.Min(referenceCount, generatedCount) <= neighbours)
        {
            throw new ArgumentException(
                $"Sets of {referenceCount} and {generatedCount} features have no {neighbours} nearest neighbours each."
            );
        }

        // About a common point, because distances are differences of squares: far from it they would cancel.
        var center = Mean(reference, dimensions);
        var one = new DistanceBlocks(reference, center);
        var two = new DistanceBlocks(generated, center);
        var referenceRadii = Radii(one, neighbours);
        var generatedRadii = Radii(two, neighbours);
        var referenceInside = new bool[referenceCount];
        var generatedInside = new bool[generatedCount];
        one.ForEachBlock(
            two,
            block =>
            {
                Mark(block, generatedRadii, referenceInside);
                MarkColumns(block, referenceRadii, generatedInside);
            }
        );
        return (Share(generatedInside), Share(referenceInside));
    }

    private static double[] Mean(ReadOnlyMemory<float> features, int dimensions)
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

    /// <summary>The squared distance of each feature to its k-th nearest neighbour in the same set.</summary>
    private static double[] Radii(DistanceBlocks set, int neighbours)
    {
        // For each feature the smallest k distances so far, in ascending order.
        var nearest = new double[set.Count * neighbours];
        Array.Fill(nearest, double.PositiveInfinity);
        set.ForEachBlock(
            set,
            block =>
                Parallel.For(
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
        var radii = new double[set.Count];
        for (var i = 0; i < radii.Length; i++)
        {
            radii[i] = nearest[(i * neighbours) + neighbours - 1];
        }

        return radii;
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

    /// <summary>Marks rows that lie within the ball of a column.</summary>
    private static void Mark(DistanceBlock block, double[] columnRadii, bool[] inside) =>
        Parallel.For(
            0,
            block.Rows,
            r =>
            {
                var distances = block.Row(r);
                var radii = columnRadii.AsSpan(block.FirstColumn, distances.Length);
                for (var c = 0; c < distances.Length && !inside[block.FirstRow + r]; c++)
                {
                    inside[block.FirstRow + r] = distances[c] <= radii[c];
                }
            }
        );

    /// <summary>Marks columns that lie within the ball of a row.</summary>
    private static void MarkColumns(DistanceBlock block, double[] rowRadii, bool[] inside)
    {
        for (var r = 0; r < block.Rows; r++)
        {
            var distances = block.Row(r);
            var radius = rowRadii[block.FirstRow + r];
            var marks = inside.AsSpan(block.FirstColumn, distances.Length);
            for (var c = 0; c < distances.Length; c++)
            {
                marks[c] |= distances[c] <= radius;
            }
        }
    }

    private static double Share(bool[] inside) => (double)inside.Count(v => v) / inside.Length;
}
