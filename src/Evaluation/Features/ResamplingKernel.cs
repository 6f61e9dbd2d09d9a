namespace DiffusionQuant.Evaluation.Features;

/// <summary>A filter of PIL's resampling: a function of the distance, stretched by the scale when an image shrinks.</summary>
/// <param name="Support">The distance from which on it is 0.</param>
/// <param name="Value">Its value at a distance.</param>
internal sealed record ResamplingKernel(double Support, Func<double, double> Value)
{
    /// <summary>PIL's <c>BILINEAR</c>.</summary>
    public static ResamplingKernel Triangle { get; } = new(1, x => Math.Abs(x) < 1 ? 1 - Math.Abs(x) : 0);

    /// <summary>PIL's <c>BICUBIC</c>: Keys' cubic convolution with a = −0.5.</summary>
    public static ResamplingKernel Cubic { get; } = new(2, KeysCubic);

    /// <summary>The weights of each new pixel; null where the size stays, because then PIL leaves the pixels alone.</summary>
    public ResamplingTaps? Taps(int size, int newSize)
    {
        if (size == newSize)
        {
            return null;
        }

        var scale = (double)size / newSize;
        var stretch = Math.Max(scale, 1);
        var support = Support * stretch;
        var first = new int[newSize];
        var weights = new double[newSize][];
        for (var i = 0; i < newSize; i++)
        {
            var centre = (i + 0.5) * scale;
            first[i] = Math.Max((int)(centre - support + 0.5), 0);
            var end = Math.Min((int)(centre + support + 0.5), size);
            var taps = new double[end - first[i]];
            var sum = 0.0;
            for (var k = 0; k < taps.Length; k++)
            {
                taps[k] = Value((k + first[i] - centre + 0.5) / stretch);
                sum += taps[k];
            }

            for (var k = 0; k < taps.Length; k++)
            {
                taps[k] /= sum;
            }

            weights[i] = taps;
        }

        return new(first, weights);
    }

    private static double KeysCubic(double x)
    {
        const double A = -0.5;
        x = Math.Abs(x);
        return x < 1 ? ((((A + 2) * x) - (A + 3)) * x * x) + 1
            : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * A
            : 0;
    }
}
