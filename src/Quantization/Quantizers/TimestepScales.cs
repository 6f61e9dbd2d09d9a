namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// A quantizer whose step size depends on the group of timesteps, with one zero point for all groups: then only a factor
/// on the values changes, and integer kernels keep constant scales.
/// </summary>
/// <param name="Common">The quantizer of the scaled values, x / factor.</param>
/// <param name="Factors">The factor of each group.</param>
/// <param name="Gain">By how many dB the squared error falls against one quantizer for all groups, the mean over groups.</param>
public sealed record TimestepScales(UniformQuantizer Common, float[] Factors, double Gain)
{
    private const int Shrinks = 12;
    private const float Shrink = 0.05f;

    /// <summary>Searches them.</summary>
    /// <param name="groups">The values of each group.</param>
    /// <param name="all">All values.</param>
    /// <param name="bits">The code's width.</param>
    /// <param name="symmetry">Which zero points are allowed.</param>
    /// <param name="ranges">Finds the range of one distribution.</param>
    public static TimestepScales Search(
        IReadOnlyList<IDistribution> groups,
        IDistribution all,
        int bits,
        Symmetry symmetry,
        IRangeEstimator ranges
    )
    {
        var constant = ranges.Estimate(all, bits, symmetry);
        UniformQuantizer[] own = [.. groups.Select(g => ranges.Estimate(g, bits, symmetry))];
        var best = own.Append(constant)
            .Select(q => q.ZeroPoint)
            .Distinct()
            .Select(zero => groups.Zip(own, (g, q) => With(zero, g, q)).ToArray())
            .MinBy(quantizers => groups.Zip(quantizers, RelativeError).Sum(Decibels))!;
        var scale = best.Select(q => q.Scale).Order().ElementAt(best.Length / 2);
        return new(
            best[0] with
            {
                Scale = scale,
            },
            [.. best.Select(q => q.Scale / scale)],
            groups.Zip(best, (g, q) => Decibels(RelativeError(g, constant)) - Decibels(RelativeError(g, q))).Average()
        );
    }

    /// <summary>The quantizer of a group with another zero point: the step that leaves the least error.</summary>
    private static UniformQuantizer With(int zero, IDistribution values, UniformQuantizer own)
    {
        if (own.ZeroPoint == zero)
        {
            return own;
        }

        var below = zero > 0 ? own.LowestValue / -zero : 0;
        var above = zero < own.MaxCode ? own.HighestValue / (own.MaxCode - zero) : 0;
        var widest = Math.Max(Math.Max(below, above), UniformQuantizer.LeastScale);
        return Enumerable
            .Range(0, Shrinks)
            .Select(i => new UniformQuantizer(widest * (1 - (Shrink * i)), zero, own.Bits))
            .MinBy(q => values.Error(q, 2));
    }

    /// <summary>Each group counts for itself: at a timestep of small values small errors matter.</summary>
    private static double RelativeError(IDistribution values, UniformQuantizer quantizer)
    {
        var signal = values.SumOfSquares;
        return signal > 0 ? values.Error(quantizer, 2) / signal : 0;
    }

    // An error of nothing counts as that of a float.
    private static double Decibels(double error) => 10 * Math.Log10(error + 1e-14);
}
