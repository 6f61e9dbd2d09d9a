namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The signal-to-quantization-noise ratio, 10·log10(Σx² / Σ(x − x̂)²), in decibels.</summary>
public static class SignalToNoise
{
    /// <summary>A ratio that stands for "no error at all" in reports.</summary>
    public const double Exact = 200;

    /// <summary>The ratio of two sums of squares.</summary>
    public static double Decibels(double signal, double noise) =>
        noise <= 0 ? Exact
        : signal <= 0 ? 0
        : Math.Min(10 * Math.Log10(signal / noise), Exact);

    /// <summary>The ratio of a tensor and its approximation.</summary>
    public static double Decibels(ReadOnlySpan<float> exact, ReadOnlySpan<float> approximate)
    {
        var (signal, noise) = Powers(exact, approximate);
        return Decibels(signal, noise);
    }

    /// <summary>Σx² and Σ(x − x̂)² of a tensor and its approximation.</summary>
    public static (double Signal, double Noise) Powers(ReadOnlySpan<float> exact, ReadOnlySpan<float> approximate)
    {
        var (signal, noise) = (0.0, 0.0);
        for (var i = 0; i < exact.Length; i++)
        {
            var error = (double)exact[i] - approximate[i];
            signal += (double)exact[i] * exact[i];
            noise += error * error;
        }

        return (signal, noise);
    }

    /// <summary>The ratio that a quantizer reaches on a distribution.</summary>
    public static double Decibels(IDistribution values, UniformQuantizer quantizer) =>
        Decibels(values.SumOfSquares, values.Error(quantizer, 2));
}
