namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Keeps integer products exact on processors without VNNI (AVX2 alone: most desktops before 2020, AMD's before Zen 4).
/// Their instruction multiplies uint8 by int8 and adds two neighbouring products in 16 bits, where they saturate: with
/// activations up to 255 two weights of one sign may be 128 together. Up to 7 bits symmetric weights cannot pass that; at 8
/// bits most pairs do not, and the step of a channel is widened by what its worst pair needs, a fraction of a bit.
/// </summary>
internal static class PairedProducts
{
    /// <summary>What two neighbouring weights may add up to: 255 · 128 &lt; 2^15.</summary>
    private const int MostTogether = 128;

    // Learned rounding may add a step to each.
    private const float MostSteps = MostTogether - 2;

    /// <summary>The least step size of a channel of 8-bit weights.</summary>
    /// <param name="channel">The weights of one output channel, input channels first, then the kernel's elements.</param>
    /// <param name="kernel">The number of the kernel's elements.</param>
    public static float LeastScale(ReadOnlySpan<float> channel, long kernel) =>
        // Kernels walk through a weight in one of two orders: as it is stored, or the input channels innermost.
        Math.Max(Largest(channel, 1, (int)kernel), Largest(channel, (int)kernel, (int)kernel)) / MostSteps;

    /// <summary>
    /// A weight none of whose pairs can saturate. <see cref="LeastScale"/> leaves room for what roundings to nearest make;
    /// codes that were learned may go beyond it, and such a pair is moved together by what it has too much.
    /// </summary>
    /// <param name="weight">A weight; it is returned itself where there is nothing to move.</param>
    public static QuantizedWeight Settle(QuantizedWeight weight)
    {
        if (weight.Quantizers.All(q => q.Bits < 8))
        {
            return weight;
        }

        var kernel = (int)weight.Dims.Skip(2).Aggregate(1L, (a, b) => a * b);
        var channels = WeightChannels.Gather(weight.Codes.Span, weight.Dims, weight.Axis);
        var isMoved = false;
        for (var c = 0; c < channels.Length; c++)
        {
            var quantizer = weight.Quantizers[c];
            isMoved |= quantizer.Bits == 8 && Settle(channels[c], quantizer.ZeroPoint, kernel);
        }

        return isMoved ? weight.WithCodes(WeightChannels.Scatter(channels, weight.Dims, weight.Axis)) : weight;
    }

    private static bool Settle(byte[] codes, int zero, int kernel)
    {
        var isMoved = false;
        foreach (var step in new[] { 1, kernel })
        {
            for (var i = 0; i + 1 < codes.Length; i += 2)
            {
                ref var a = ref codes[Place(i, step, codes.Length, kernel)];
                ref var b = ref codes[Place(i + 1, step, codes.Length, kernel)];
                var (x, y) = (a - zero, b - zero);
                var excess = Math.Sign(x) == Math.Sign(y) ? Math.Abs(x + y) - MostTogether : 0;
                if (excess > 0)
                {
                    // Half of it each; magnitudes only shrink, so no other pair is broken.
                    var half = Math.Min((excess + 1) / 2, Math.Min(Math.Abs(x), Math.Abs(y)));
                    (a, b) = (
                        (byte)(a - (Math.Sign(x) * half)),
                        (byte)(b - (Math.Sign(y) * Math.Max(excess - half, 0)))
                    );
                    isMoved = true;
                }
            }
        }

        return isMoved;
    }

    /// <summary>The largest sum of magnitudes of two neighbours of one sign.</summary>
    private static float Largest(ReadOnlySpan<float> channel, int step, int kernel)
    {
        var most = 0f;
        for (var i = 0; i + 1 < channel.Length; i += 2)
        {
            var (a, b) = (
                channel[Place(i, step, channel.Length, kernel)],
                channel[Place(i + 1, step, channel.Length, kernel)]
            );
            most = Math.Max(
                most,
                Math.Sign(a) * Math.Sign(b) > 0 ? Math.Abs(a + b) : Math.Max(Math.Abs(a), Math.Abs(b))
            );
        }

        return channel.Length % 2 == 0 ? most : Math.Max(most, Math.Abs(channel[^1]));
    }

    /// <summary>Where the i-th element of a channel lies when a kernel walks through it: as it is stored, or (with a step of
    /// the kernel's elements) the input channels innermost.</summary>
    private static int Place(int i, int step, int length, int kernel) =>
        step == 1 ? i : (i % (length / kernel) * kernel) + (i / (length / kernel));
}
