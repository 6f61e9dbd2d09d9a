namespace DiffusionQuant.Evaluation.Tests.Metrics;

/// <summary>The same features as reference/features.py, number for number.</summary>
internal static class PlantedFeatures
{
    /// <summary>Rows whose dimension j follows dimension j − 1, with scales that fall by 1/(1 + j/8).</summary>
    public static float[] Make(ulong seed, int count, int dimensions, double offset, double memory)
    {
        var features = new float[count * dimensions];
        Parallel.For(
            0,
            count,
            row =>
            {
                var state = 0.0;
                for (var j = 0; j < dimensions; j++)
                {
                    var at = (row * dimensions) + j;
                    state = (memory * state) + Noise(seed, at);
                    features[at] = (float)((state / (1 + (j / 8.0))) + offset);
                }
            }
        );
        return features;
    }

    /// <summary>The sum of four uniform numbers, less 2, each with 16 bits: exact in float64.</summary>
    private static double Noise(ulong seed, int index)
    {
        var word = SplitMix(seed, index);
        double total = (word & 0xFFFF) + ((word >> 16) & 0xFFFF) + ((word >> 32) & 0xFFFF) + (word >> 48);
        return (total / 65536) - 2;
    }

    /// <summary>Word <paramref name="index"/> of SplitMix64 (Steele et al. 2014).</summary>
    public static ulong SplitMix(ulong seed, int index)
    {
        unchecked
        {
            var z = seed + (((ulong)index + 1) * 0x9E3779B97F4A7C15);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
