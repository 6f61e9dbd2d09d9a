using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>Standard errors from the measured values themselves (Efron and Tibshirani 1993, "An introduction to the bootstrap").</summary>
public static class Resampling
{
    /// <summary>The standard error of the mean by bootstrap: the deviation of the means of samples drawn with replacement.</summary>
    /// <param name="values">One value for each image.</param>
    /// <param name="resamples">How many samples are drawn; at least 2.</param>
    /// <param name="seed">The seed of the draws, which are the same on every machine.</param>
    /// <returns>The error; NaN for fewer than two values, or where one is not finite.</returns>
    public static double BootstrapError(ReadOnlySpan<double> values, int resamples = 1000, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 2);
        if (values.Length < 2)
        {
            return double.NaN;
        }

        var copy = values.ToArray();
        var means = new double[resamples];
        Workers.For(
            0,
            resamples,
            resample =>
            {
                var source = new NoiseSource(seed);
                var sum = 0.0;
                for (var i = 0; i < copy.Length; i++)
                {
                    sum += copy[source.Draw(NoisePurpose.Resampling, i, resample, copy.Length)];
                }

                means[resample] = sum / copy.Length;
            }
        );
        return Deviation(means, resamples - 1);
    }

    /// <summary>The standard error of a statistic by jackknife: √((m−1)/m·Σ(θ_i − θ̄)²).</summary>
    /// <param name="leaveOneOut">The statistic without block i of m blocks of as many images.</param>
    /// <returns>The error; NaN for fewer than two blocks, or where a value is not finite.</returns>
    public static double JackknifeError(ReadOnlySpan<double> leaveOneOut) =>
        leaveOneOut.Length < 2
            ? double.NaN
            : Deviation(leaveOneOut, leaveOneOut.Length) * Math.Sqrt(leaveOneOut.Length - 1);

    /// <summary>
    /// The means of values without one block of neighbours after the other: as many blocks of about as many values as
    /// <see cref="Runs.ImageStatistics.UsualBlocks"/> says, or one for each value where there are fewer.
    /// </summary>
    /// <param name="values">One value for each image, in the order of images.</param>
    /// <returns>Null for fewer than two values.</returns>
    public static double[]? MeansWithoutBlock(IReadOnlyList<double> values)
    {
        var blocks = Math.Min(values.Count, Runs.ImageStatistics.UsualBlocks);
        return values.Count < 2
            ? null
            :
            [
                .. Enumerable
                    .Range(0, blocks)
                    .Select(b => values.Where((_, i) => (int)((long)i * blocks / values.Count) != b).Average()),
            ];
    }

    private static double Deviation(ReadOnlySpan<double> values, int divisor)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value;
        }

        var mean = sum / values.Length;
        var squares = 0.0;
        foreach (var value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        return Math.Sqrt(squares / divisor);
    }
}
