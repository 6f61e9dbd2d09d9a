using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// Improved precision and recall (Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative
/// models"): a set's manifold is the union of balls round its features that reach to their k-th nearest neighbour in the set.
/// </summary>
public static class PrecisionRecall
{
    /// <summary>The share of each set that lies within the other's manifold.</summary>
    /// <param name="reference">Count·d numbers in rows.</param>
    /// <param name="generated">Count·d numbers in rows.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="neighbours">k; the literature takes 3.</param>
    /// <exception cref="ArgumentException">A feature is not whole, or a set has no more than k.</exception>
    public static (double Precision, double Recall) Between(
        ReadOnlyMemory<float> reference,
        ReadOnlyMemory<float> generated,
        int dimensions,
        int neighbours = FeatureManifold.UsualNeighbours
    ) => Between(new FeatureManifold(reference, dimensions, neighbours), new(generated, dimensions, neighbours));

    /// <summary>The share of each set that lies within the other's manifold.</summary>
    internal static (double Precision, double Recall) Between(FeatureManifold reference, FeatureManifold generated)
    {
        // About a common point, because distances are differences of squares: far from it they would cancel.
        var one = reference.About(reference.Mean);
        var two = generated.About(reference.Mean);
        var (referenceRadii, generatedRadii) = (reference.Radii, generated.RadiiAbout(reference.Mean));
        var referenceInside = new bool[one.Count];
        var generatedInside = new bool[two.Count];
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

    /// <summary>Marks rows that lie within the ball of a column.</summary>
    private static void Mark(DistanceBlock block, double[] columnRadii, bool[] inside) =>
        Workers.For(
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
