namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Keeps integer products exact on processors without VNNI (AVX2 alone: most desktops before 2020, AMD's before Zen 4).
/// Their instruction multiplies uint8 by int8 and adds two neighbouring products in 16 bits, where they saturate: with
/// activations up to 255 two weights of one sign may be 128 together. Up to 7 bits symmetric weights cannot pass that; at 8
/// bits most pairs do not, and the step of a channel is widened by what its worst pair needs, a fraction of a bit.
/// </summary>
internal static class PairedProducts
{
    /// <summary>What two neighbouring weights may add up to (255 · 128 &lt; 2^15), less the two steps that learned rounding may add.</summary>
    private const float MostSteps = 128 - 2;

    /// <summary>The least step size of a channel of 8-bit weights.</summary>
    /// <param name="channel">The weights of one output channel, input channels first, then the kernel's elements.</param>
    /// <param name="kernel">The number of the kernel's elements.</param>
    public static float LeastScale(ReadOnlySpan<float> channel, long kernel) =>
        // Kernels walk through a weight in one of two orders: as it is stored, or the input channels innermost.
        Math.Max(Largest(channel, 1, (int)kernel), Largest(channel, (int)kernel, (int)kernel)) / MostSteps;

    /// <summary>The largest sum of magnitudes of two neighbours of one sign.</summary>
    private static float Largest(ReadOnlySpan<float> channel, int step, int kernel)
    {
        var most = 0f;
        var inputs = kernel == 0 ? 0 : channel.Length / kernel;
        for (var i = 0; i + 1 < channel.Length; i += 2)
        {
            var (a, b) = (channel[Place(i)], channel[Place(i + 1)]);
            most = Math.Max(
                most,
                Math.Sign(a) * Math.Sign(b) > 0 ? Math.Abs(a + b) : Math.Max(Math.Abs(a), Math.Abs(b))
            );
        }

        return channel.Length % 2 == 0 ? most : Math.Max(most, Math.Abs(channel[^1]));

        int Place(int i) => step == 1 ? i : (i % inputs * kernel) + (i / inputs);
    }
}
