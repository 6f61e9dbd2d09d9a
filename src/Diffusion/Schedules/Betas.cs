namespace DiffusionQuant.Diffusion;

/// <summary>The formulas of the beta schedules, in double precision.</summary>
internal static class Betas
{
    private const double MaximalCosineBeta = 0.999;

    public static double[] Of(BetaSchedule schedule, double start, double end, int count) =>
        schedule switch
        {
            BetaSchedule.Linear => Linspace(start, end, count),
            BetaSchedule.ScaledLinear => Array.ConvertAll(
                Linspace(Math.Sqrt(start), Math.Sqrt(end), count),
                root => root * root
            ),
            BetaSchedule.SquaredCosine => SquaredCosine(count),
            BetaSchedule.Sigmoid => Array.ConvertAll(
                Linspace(-6, 6, count),
                x => ((end - start) / (1 + Math.Exp(-x))) + start
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(schedule)),
        };

    /// <summary>ᾱ_t, the product of 1 − β up to t.</summary>
    public static double[] CumulativeAlphas(ReadOnlySpan<double> betas)
    {
        var result = new double[betas.Length];
        var product = 1.0;
        for (var t = 0; t < result.Length; t++)
        {
            product *= 1 - betas[t];
            result[t] = product;
        }

        return result;
    }

    /// <summary>
    /// Shifts and scales √ᾱ so that the last is exactly 0 and the first stays (Lin et al. 2024, "Common Diffusion Noise
    /// Schedules and Sample Steps are Flawed", algorithm 1).
    /// </summary>
    public static void RescaleToZeroTerminalSnr(double[] alphasCumprod)
    {
        var first = Math.Sqrt(alphasCumprod[0]);
        var last = Math.Sqrt(alphasCumprod[^1]);
        for (var t = 0; t < alphasCumprod.Length; t++)
        {
            var root = (Math.Sqrt(alphasCumprod[t]) - last) * first / (first - last);
            alphasCumprod[t] = root * root;
        }
    }

    /// <summary>numpy.linspace: <paramref name="count"/> numbers from start to end, both included.</summary>
    public static double[] Linspace(double start, double end, int count)
    {
        var result = new double[count];
        var step = count > 1 ? (end - start) / (count - 1) : 0;
        for (var i = 0; i < count; i++)
        {
            result[i] = start + (i * step);
        }

        if (count > 1)
        {
            result[^1] = end;
        }

        return result;
    }

    private static double[] SquaredCosine(int count)
    {
        static double AlphaBar(double time) => Math.Pow(Math.Cos((time + 0.008) / 1.008 * Math.PI / 2), 2);

        var result = new double[count];
        for (var i = 0; i < count; i++)
        {
            result[i] = Math.Min(
                1 - (AlphaBar((double)(i + 1) / count) / AlphaBar((double)i / count)),
                MaximalCosineBeta
            );
        }

        return result;
    }
}
