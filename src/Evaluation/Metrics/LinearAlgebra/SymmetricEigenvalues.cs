namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>Eigenvalues of symmetric matrices, without eigenvectors.</summary>
internal static class SymmetricEigenvalues
{
    // Each eigenvalue takes two turns or so.
    private const int MaxTurns = 60;

    /// <summary>The eigenvalues, in no particular order.</summary>
    /// <param name="matrix">Size × size in rows; only the lower triangle is read. It is used as work space.</param>
    /// <param name="size">Rows and columns.</param>
    /// <exception cref="ArithmeticException">A number is not finite.</exception>
    public static double[] Of(double[] matrix, int size)
    {
        var (diagonal, beside) = Tridiagonalization.Of(matrix, size);
        SolveTridiagonal(diagonal, beside);
        return diagonal;
    }

    /// <summary>QL with implicit shifts (Martin and Wilkinson 1968; EISPACK's <c>imtql1</c>).</summary>
    /// <param name="d">The diagonal; becomes the eigenvalues.</param>
    /// <param name="e">What is beside it: e[i] couples i and i + 1. It is used as work space.</param>
    private static void SolveTridiagonal(double[] d, double[] e)
    {
        for (var l = 0; l < d.Length; l++)
        {
            for (var turn = 0; ; turn++)
            {
                var m = l;
                while (m < d.Length - 1 && !IsNegligible(e[m], d[m], d[m + 1]))
                {
                    m++;
                }

                if (m == l)
                {
                    break;
                }

                if (turn == MaxTurns)
                {
                    throw new ArithmeticException(
                        "The eigenvalues of the covariances cannot be found: features are not finite."
                    );
                }

                Sweep(d, e, l, m);
            }
        }
    }

    private static bool IsNegligible(double beside, double one, double other)
    {
        var scale = Math.Abs(one) + Math.Abs(other);
        return scale + Math.Abs(beside) == scale;
    }

    private static void Sweep(double[] d, double[] e, int l, int m)
    {
        var g = (d[l + 1] - d[l]) / (2 * e[l]);
        g = d[m] - d[l] + (e[l] / (g + Math.CopySign(double.Hypot(g, 1), g)));
        double s = 1,
            c = 1,
            p = 0;
        for (var i = m - 1; i >= l; i--)
        {
            var f = s * e[i];
            var b = c * e[i];
            var r = double.Hypot(f, g);
            e[i + 1] = r;
            if (r == 0)
            {
                // The matrix falls apart here: what is left is solved in the next turn.
                d[i + 1] -= p;
                e[m] = 0;
                return;
            }

            s = f / r;
            c = g / r;
            g = d[i + 1] - p;
            r = ((d[i] - g) * s) + (2 * c * b);
            p = s * r;
            d[i + 1] = g + p;
            g = (c * r) - b;
        }

        d[l] -= p;
        e[l] = g;
        e[m] = 0;
    }
}
