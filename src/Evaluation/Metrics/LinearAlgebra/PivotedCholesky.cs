using System.Numerics.Tensors;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>
/// A factor L of a covariance, Σ = L·Lᵀ, with as many columns as Σ has rank: Cholesky's with the largest remaining variance
/// first (Higham 1990, "Analysis of the Cholesky decomposition of a semi-definite matrix").
/// </summary>
/// <param name="Values">L: size × size in rows, of which the first <paramref name="Rank"/> columns are used.</param>
/// <param name="Size">Rows.</param>
/// <param name="Rank">Columns.</param>
internal sealed record PivotedCholesky(double[] Values, int Size, int Rank)
{
    private const int PanelColumns = 64;

    // Of a number in float64.
    private const double Rounding = 1.0 / (1L << 52);

    /// <summary>Factors a covariance.</summary>
    /// <param name="covariance">Symmetric, size × size in rows. It is used as work space.</param>
    /// <param name="size">Rows and columns.</param>
    public static PivotedCholesky Of(double[] covariance, int size)
    {
        var factor = new double[size * size];
        var remaining = new double[size];
        var negligible = new double[size];
        for (var i = 0; i < size; i++)
        {
            remaining[i] = covariance[(i * size) + i];
            // What is left of a variance is known to about size roundings of the variance itself: a bound of its own for each
            // dimension, because features may differ in scale by many orders.
            negligible[i] = remaining[i] * size * Rounding;
        }

        var rank = 0;
        while (rank < size)
        {
            var panelStart = rank;
            var panelEnd = Math.Min(size, panelStart + PanelColumns);
            while (rank < panelEnd && FindPivot(remaining, negligible) is >= 0 and var pivot)
            {
                AddColumn(covariance, factor, size, panelStart, rank++, pivot, remaining);
            }

            if (rank < panelEnd)
            {
                break;
            }

            var panel = new Factor(factor, panelStart, size, IsDepthContiguous: true);
            MatrixProduct.Add(panel, panel, rank - panelStart, -1, ProductTarget.Lower(covariance, 0, size, size));
        }

        return new(factor, size, rank);
    }

    private static int FindPivot(double[] remaining, double[] negligible)
    {
        var pivot = -1;
        for (var i = 0; i < remaining.Length; i++)
        {
            if (remaining[i] > negligible[i] && (pivot < 0 || remaining[i] > remaining[pivot]))
            {
                pivot = i;
            }
        }

        return pivot;
    }

    private static void AddColumn(
        double[] covariance,
        double[] factor,
        int size,
        int panelStart,
        int column,
        int pivot,
        double[] remaining
    )
    {
        var root = Math.Sqrt(remaining[pivot]);
        var depth = column - panelStart;
        var pivotRow = factor.AsSpan((pivot * size) + panelStart, depth);
        for (var i = 0; i < size; i++)
        {
            if (i == pivot || remaining[i] == 0)
            {
                continue;
            }

            // Only the lower triangle is kept up to date.
            var value = i > pivot ? covariance[(i * size) + pivot] : covariance[(pivot * size) + i];
            value -= TensorPrimitives.Dot(factor.AsSpan((i * size) + panelStart, depth), pivotRow);
            value /= root;
            factor[(i * size) + column] = value;
            remaining[i] = Math.Max(0, remaining[i] - (value * value));
        }

        factor[(pivot * size) + column] = root;
        remaining[pivot] = 0;
    }
}
