namespace DiffusionQuant.Diffusion;

/// <summary>The quantiles of the beta distribution.</summary>
internal static class BetaDistribution
{
    /// <summary>The x at which the regularized incomplete beta function I_x(a, b) is <paramref name="share"/>.</summary>
    public static double Quantile(double share, double a, double b)
    {
        var (low, high) = (0.0, 1.0);
        // As many halvings as a double has digits.
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Cumulative(middle, a, b) < share ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>I_x(a, b) by its series in x where x is small, and by symmetry elsewhere.</summary>
    public static double Cumulative(double x, double a, double b)
    {
        if (x <= 0 || x >= 1)
        {
            return x <= 0 ? 0 : 1;
        }

        if (x > 0.5)
        {
            return 1 - Cumulative(1 - x, b, a);
        }

        // x^a/B(a,b) · Σ (1−b)_n/n! · x^n/(a+n); at x ≤ 1/2 sixty terms are exact.
        var (sum, coefficient) = (0.0, 1.0);
        for (var n = 0; n < 60; n++)
        {
            sum += coefficient / (a + n);
            coefficient *= (n + 1 - b) / (n + 1) * x;
        }

        return sum * Math.Exp((a * Math.Log(x)) - LogBeta(a, b));
    }

    private static double LogBeta(double a, double b) => LogGamma(a) + LogGamma(b) - LogGamma(a + b);

    /// <summary>Stirling's series, above 10 after the recurrence.</summary>
    private static double LogGamma(double x)
    {
        var shift = 0.0;
        for (; x < 10; x++)
        {
            shift += Math.Log(x);
        }

        var square = 1 / (x * x);
        return ((x - 0.5) * Math.Log(x))
            - x
            + (Math.Log(2 * Math.PI) / 2)
            + ((1.0 / 12) - (square * ((1.0 / 360) - (square * ((1.0 / 1260) - (square / 1680)))))) / x
            - shift;
    }
}
