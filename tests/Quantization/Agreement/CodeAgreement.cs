using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Agreement;

/// <summary>
/// Whether two runs of the same quantized arithmetic agree. Kernels of different processors, batch sizes and numbers of
/// threads add in other orders, so that a value on the border of two codes may fall either way: the largest difference
/// says nothing. What is bounded is how many values differ, and that none is further than a step away.
/// </summary>
internal static class CodeAgreement
{
    /// <summary>Compares two tensors.</summary>
    /// <param name="expected">What should come out.</param>
    /// <param name="actual">What came out.</param>
    /// <param name="step">The distance of two codes; 0 where values are not rounded, which leaves no room at all.</param>
    /// <param name="what">What is compared, for the message.</param>
    /// <param name="tolerance">What sums in another order may change, as a share of the largest value.</param>
    /// <param name="mostApart">The share of values that may lie on the other side of a border; one is always allowed.</param>
    public static void AssertAgree(
        ReadOnlySpan<float> expected,
        ReadOnlySpan<float> actual,
        double step,
        string what,
        double tolerance = 1e-4,
        double mostApart = 0.01
    )
    {
        Assert.Equal(expected.Length, actual.Length);
        var largest = 0.0;
        foreach (var value in expected)
        {
            largest = Math.Max(largest, Math.Abs((double)value));
        }

        var (apart, far, furthest) = (0, 0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            // The comparison is written so that NaN counts as far.
            var error = Math.Abs((double)expected[i] - actual[i]);
            apart += error <= tolerance * largest ? 0 : 1;
            far += error <= (1.001 * step) + (tolerance * largest) ? 0 : 1;
            furthest = Math.Max(furthest, error);
        }

        var most = step > 0 ? Math.Max(1, mostApart * expected.Length) : 0;
        Assert.True(
            far == 0 && apart <= most,
            $"{what}: of {expected.Length} values {apart} differ and {far} by more than a step of {step:g3}, "
                + $"the furthest by {furthest:g3}, where the largest value is {largest:g3}; "
                + $"{SignalToNoise.Decibels(expected, actual):f1} dB"
        );
    }
}
