namespace DiffusionQuant.Diffusion;

/// <summary>What classifier-free guidance makes of a network's two outputs.</summary>
internal static class Guidance
{
    /// <summary>u + s·(c − u) on the prediction's channels, brought back towards c's deviation; a predicted variance stays the
    /// conditional one.</summary>
    /// <param name="conditional">c of N images: the prediction of each, and behind it its variance where there is one.</param>
    /// <param name="unconditional">u, likewise.</param>
    /// <param name="count">N.</param>
    /// <param name="size">Numbers of a prediction.</param>
    /// <param name="scale">s.</param>
    /// <param name="rescale">φ, the share by which the deviation is brought back.</param>
    public static float[] Combine(
        float[] conditional,
        float[] unconditional,
        int count,
        int size,
        double scale,
        double rescale
    )
    {
        float[] guided = [.. conditional];
        var outputSize = conditional.Length / count;
        var factor = (float)scale;
        for (var image = 0; image < count; image++)
        {
            var start = image * outputSize;
            for (var i = start; i < start + size; i++)
            {
                guided[i] = unconditional[i] + (factor * (conditional[i] - unconditional[i]));
            }

            Rescale(guided.AsSpan(start, size), conditional.AsSpan(start, size), rescale);
        }

        return guided;
    }

    /// <summary>Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed", equations 15 and 16.</summary>
    private static void Rescale(Span<float> guided, ReadOnlySpan<float> conditional, double share)
    {
        if (share == 0 || Deviation(guided) is not (> 0 and var own))
        {
            return;
        }

        var factor = (float)((share * Deviation(conditional) / own) + 1 - share);
        foreach (ref var value in guided)
        {
            value *= factor;
        }
    }

    private static double Deviation(ReadOnlySpan<float> values)
    {
        var (sum, squares) = (0.0, 0.0);
        foreach (var value in values)
        {
            sum += value;
            squares += (double)value * value;
        }

        return Math.Sqrt(Math.Max(0, squares - (sum * sum / values.Length)));
    }
}
