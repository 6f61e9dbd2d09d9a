namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The fourth standardized moment: 1.8 for a uniform law, 3 for a normal one, more where few values lie far out.</summary>
public static class Kurtosis
{
    /// <summary>
    /// <c>κ = mean((w − μ)⁴) / σ⁴</c> with <c>σ² = mean((w − μ)²)</c> (MPQ-DM, Feng et al., AAAI 2025, outlier-driven mixed
    /// quantization).
    /// </summary>
    /// <param name="values">The values, of any number.</param>
    /// <returns>κ; 0 where all values are equal, which have no outliers.</returns>
    public static double Of(ReadOnlySpan<float> values)
    {
        var mean = 0.0;
        foreach (var value in values)
        {
            mean += value;
        }

        mean /= Math.Max(values.Length, 1);
        var (second, fourth) = (0.0, 0.0);
        foreach (var value in values)
        {
            var square = (value - mean) * (value - mean);
            second += square;
            fourth += square * square;
        }

        return second > 0 ? fourth * values.Length / (second * second) : 0;
    }

    /// <summary>The kurtosis of each output channel of a weight.</summary>
    /// <param name="weight">The elements.</param>
    /// <param name="dims">The sizes.</param>
    /// <param name="axis">The output channels' axis.</param>
    public static double[] OfChannels(ReadOnlySpan<float> weight, IReadOnlyList<long> dims, int axis) =>
        Array.ConvertAll(WeightChannels.Gather(weight, dims, axis), c => Of(c));
}
