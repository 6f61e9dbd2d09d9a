namespace DiffusionQuant.Diffusion;

/// <summary>
/// Random numbers that depend on nothing but (seed, image, purpose, step): not on the batch size, the order or the machine.
/// </summary>
/// <remarks>
/// Words come from Philox4x32-10 with the seed as key and the counter (block, step, image, purpose). Each block's four words
/// w0..w3 make four normal numbers by Box and Muller: r = √(−2·ln((w0+1)/2³²)), then r·cos and r·sin of 2π·w1/2³²; w2 and
/// w3 alike. The largest possible magnitude is 6.66.
/// </remarks>
/// <param name="Seed">The seed.</param>
public readonly record struct NoiseSource(ulong Seed)
{
    private const double OneOver2Power32 = 1.0 / 4294967296.0;

    /// <summary>Fills with standard normal numbers.</summary>
    /// <param name="purpose">What they are for.</param>
    /// <param name="image">The image's index.</param>
    /// <param name="step">The sampling step's index; 0 where there is none.</param>
    /// <param name="destination">Receives the numbers.</param>
    public void FillNormal(NoisePurpose purpose, int image, int step, Span<float> destination)
    {
        Span<float> block = stackalloc float[4];
        for (var start = 0; start < destination.Length; start += 4)
        {
            var words = Block((uint)(start / 4), purpose, image, step);
            (block[0], block[1]) = Pair(words.W0, words.W1);
            (block[2], block[3]) = Pair(words.W2, words.W3);
            var rest = destination[start..];
            block[..Math.Min(4, rest.Length)].CopyTo(rest);
        }
    }

    /// <summary>Fills with numbers uniform in [−1, 1), multiples of 2⁻²³.</summary>
    /// <param name="purpose">What they are for.</param>
    /// <param name="index">The index of what they are for.</param>
    /// <param name="destination">Receives the numbers.</param>
    public void FillUniform(NoisePurpose purpose, int index, Span<float> destination)
    {
        Span<float> block = stackalloc float[4];
        for (var start = 0; start < destination.Length; start += 4)
        {
            var words = Block((uint)(start / 4), purpose, index, 0);
            (block[0], block[1]) = (Uniform(words.W0), Uniform(words.W1));
            (block[2], block[3]) = (Uniform(words.W2), Uniform(words.W3));
            var rest = destination[start..];
            block[..Math.Min(4, rest.Length)].CopyTo(rest);
        }

        static float Uniform(uint word) => ((int)(word >> 8) - (1 << 23)) / (float)(1 << 23);
    }

    /// <summary>Draws a whole number from 0 to <paramref name="count"/> − 1.</summary>
    /// <param name="purpose">What it is for.</param>
    /// <param name="image">The image's index.</param>
    /// <param name="count">How many numbers there are to draw from.</param>
    public int Draw(NoisePurpose purpose, int image, int count) => Draw(purpose, image, 0, count);

    /// <summary>Draws a whole number from 0 to <paramref name="count"/> − 1.</summary>
    /// <param name="purpose">What it is for.</param>
    /// <param name="image">The image's index.</param>
    /// <param name="step">The index of what is drawn for the image: of the sampling step, of the resample.</param>
    /// <param name="count">How many numbers there are to draw from.</param>
    public int Draw(NoisePurpose purpose, int image, int step, int count)
    {
        var words = Block(0, purpose, image, step);
        return (int)(((ulong)words.W0 * (uint)count) >> 32);
    }

    private (uint W0, uint W1, uint W2, uint W3) Block(uint block, NoisePurpose purpose, int image, int step)
    {
        var w0 = block;
        var w1 = (uint)step;
        var w2 = (uint)image;
        var w3 = (uint)purpose;
        Philox.Scramble(Seed, ref w0, ref w1, ref w2, ref w3);
        return (w0, w1, w2, w3);
    }

    private static (float Cos, float Sin) Pair(uint magnitude, uint turn)
    {
        var radius = Math.Sqrt(-2 * PortableMath.Log((magnitude + 1.0) * OneOver2Power32));
        var (sin, cos) = PortableMath.SinCosOfTurn(turn);
        return ((float)(radius * cos), (float)(radius * sin));
    }
}
