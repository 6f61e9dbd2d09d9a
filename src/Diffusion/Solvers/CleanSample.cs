namespace DiffusionQuant.Diffusion;

/// <summary>The estimate of x0, and of the noise, that an output stands for.</summary>
internal static class CleanSample
{
    /// <summary>
    /// The linear maps from (x_t, output m) to the estimates: x0 = <c>X0FromSample</c>·x + <c>X0FromOutput</c>·m and
    /// ε = <c>NoiseFromSample</c>·x + <c>NoiseFromOutput</c>·m.
    /// </summary>
    public readonly record struct Coefficients(
        double X0FromSample,
        double X0FromOutput,
        double NoiseFromSample,
        double NoiseFromOutput
    );

    /// <summary>The maps at ᾱ = <paramref name="alpha"/>.</summary>
    public static Coefficients At(PredictionType prediction, double alpha) =>
        At(prediction, new NoiseLevel(Math.Sqrt(alpha), Math.Sqrt(1 - alpha)));

    /// <summary>The maps at a level whose variance is preserved.</summary>
    public static Coefficients At(PredictionType prediction, NoiseLevel level)
    {
        var (signal, noise) = level;
        return prediction switch
        {
            PredictionType.Epsilon => new(1 / signal, -noise / signal, 0, 1),
            PredictionType.Velocity => new(signal, -noise, noise, signal),
            PredictionType.Sample => new(0, 1, 1 / noise, -signal / noise),
            // u = ε − x0, and x = α·x0 + σ·ε.
            PredictionType.Flow => new(
                1 / (signal + noise),
                -noise / (signal + noise),
                1 / (signal + noise),
                signal / (signal + noise)
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(prediction)),
        };
    }

    /// <summary>Estimates x0 of one image and clips it as the config says.</summary>
    public static void Estimate(
        Coefficients coefficients,
        SchedulerConfig? config,
        ReadOnlySpan<float> sample,
        ReadOnlySpan<float> output,
        Span<float> cleanSample
    )
    {
        for (var i = 0; i < sample.Length; i++)
        {
            cleanSample[i] = (float)((coefficients.X0FromSample * sample[i]) + (coefficients.X0FromOutput * output[i]));
        }

        if (config?.Thresholding is { } threshold)
        {
            Threshold(threshold, cleanSample);
        }
        else if (config?.ClipRange is { } range)
        {
            var limit = (float)range;
            for (var i = 0; i < cleanSample.Length; i++)
            {
                cleanSample[i] = Math.Clamp(cleanSample[i], -limit, limit);
            }
        }
    }

    private static void Threshold(DynamicThreshold threshold, Span<float> cleanSample)
    {
        var sorted = new float[cleanSample.Length];
        for (var i = 0; i < sorted.Length; i++)
        {
            sorted[i] = Math.Abs(cleanSample[i]);
        }

        Array.Sort(sorted);
        // The quantile as torch.quantile computes it: linear between neighbours.
        var position = threshold.Ratio * (sorted.Length - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        var quantile = sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
        var limit = (float)Math.Clamp(quantile, 1, threshold.MaximalValue);
        for (var i = 0; i < cleanSample.Length; i++)
        {
            cleanSample[i] = Math.Clamp(cleanSample[i], -limit, limit) / limit;
        }
    }
}
