namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>Features in rows, as metrics of pairs of features read them.</summary>
internal static class FeatureRows
{
    /// <summary>How many features there are.</summary>
    /// <exception cref="ArgumentException">The last feature is not whole.</exception>
    public static int Count(ReadOnlyMemory<float> features, int dimensions, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimensions);
        return features.Length % dimensions == 0
            ? features.Length / dimensions
            : throw new ArgumentException(
                $"{features.Length} numbers are no whole number of features of {dimensions}.",
                name
            );
    }

    /// <summary>Copies a feature into float64.</summary>
    public static void Copy(ReadOnlyMemory<float> features, int row, Span<double> target)
    {
        var source = features.Span.Slice(row * target.Length, target.Length);
        for (var i = 0; i < source.Length; i++)
        {
            target[i] = source[i];
        }
    }
}
