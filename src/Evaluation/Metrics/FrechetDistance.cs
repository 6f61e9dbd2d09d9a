using System.Numerics.Tensors;
using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// The Fréchet distance of two Gaussians, |μ1 − μ2|² + Tr(Σ1 + Σ2 − 2·(Σ1·Σ2)^½): FID (Heusel et al. 2017, "GANs trained by
/// a two time-scale update rule converge to a local Nash equilibrium") on an extractor's features.
/// </summary>
/// <remarks>
/// With Σ1 = L1·L1ᵀ and Σ2 = L2·L2ᵀ the trace of the root is the sum of the singular values of M = L1ᵀ·L2, taken as roots of
/// the eigenvalues of M·Mᵀ. The factors have as many columns as the covariances have rank, so that singular covariances (fewer
/// images than dimensions) need no ε on their diagonal, and nothing is complex.
/// </remarks>
public static class FrechetDistance
{
    /// <summary>The distance of two sets of features.</summary>
    /// <exception cref="ArgumentException">Their features have different numbers of dimensions.</exception>
    /// <exception cref="InvalidOperationException">One of them has fewer than two features.</exception>
    /// <exception cref="ArithmeticException">A number is not finite.</exception>
    public static double Between(GaussianStatistics a, GaussianStatistics b) =>
        BetweenOwned(a.Mean(), a.Covariance(), b.Mean(), b.Covariance());

    /// <summary>The distance of two Gaussians.</summary>
    /// <param name="mean1">d numbers.</param>
    /// <param name="covariance1">d·d numbers in rows, symmetric.</param>
    /// <param name="mean2">d numbers.</param>
    /// <param name="covariance2">d·d numbers in rows, symmetric.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    /// <exception cref="ArithmeticException">A number is not finite.</exception>
    public static double Between(
        ReadOnlySpan<double> mean1,
        ReadOnlySpan<double> covariance1,
        ReadOnlySpan<double> mean2,
        ReadOnlySpan<double> covariance2
    ) => BetweenOwned(mean1, covariance1.ToArray(), mean2, covariance2.ToArray());

    // The covariances become work space.
    private static double BetweenOwned(
        ReadOnlySpan<double> mean1,
        double[] covariance1,
        ReadOnlySpan<double> mean2,
        double[] covariance2
    )
    {
        var d = mean1.Length;
        if (mean2.Length != d)
        {
            throw new ArgumentException($"Features of {d} and of {mean2.Length} dimensions have no distance.");
        }

        GaussianStatistics.CheckCovariance(d, covariance1.Length);
        GaussianStatistics.CheckCovariance(d, covariance2.Length);
        double means = 0,
            traces = 0;
        for (var i = 0; i < d; i++)
        {
            var difference = mean1[i] - mean2[i];
            means += difference * difference;
            traces += covariance1[(i * d) + i] + covariance2[(i * d) + i];
        }

        // A sum is finite only where all of its terms are.
        if (
            !double.IsFinite(
                means + TensorPrimitives.Sum<double>(covariance1) + TensorPrimitives.Sum<double>(covariance2)
            )
        )
        {
            throw new ArithmeticException("The Fréchet distance is not defined: a feature is not a finite number.");
        }

        // Rounding may leave a little less than nothing where both are equal.
        return Math.Max(0, means + traces - (2 * TraceOfRoot(covariance1, covariance2, d)));
    }

    private static double TraceOfRoot(double[] covariance1, double[] covariance2, int d)
    {
        var one = PivotedCholesky.Of(covariance1, d);
        var two = PivotedCholesky.Of(covariance2, d);
        if (two.Rank < one.Rank)
        {
            (one, two) = (two, one);
        }

        // As many eigenvalues as the smaller rank: the others are exactly 0.
        var (rank, depth) = (one.Rank, two.Rank);
        var cross = new double[rank * depth];
        MatrixProduct.Add(
            new(one.Values, 0, d, IsDepthContiguous: false),
            new(two.Values, 0, d, IsDepthContiguous: false),
            d,
            1,
            ProductTarget.Whole(cross, 0, depth, rank, depth)
        );
        var square = new double[rank * rank];
        var rows = new Factor(cross, 0, depth, IsDepthContiguous: true);
        MatrixProduct.Add(rows, rows, depth, 1, ProductTarget.Lower(square, 0, rank, rank));
        return SymmetricEigenvalues.Of(square, rank).Sum(v => Math.Sqrt(Math.Max(0, v)));
    }
}
