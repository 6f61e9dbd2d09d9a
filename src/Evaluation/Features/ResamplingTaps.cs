namespace DiffusionQuant.Evaluation.Features;

/// <summary>Which old pixels make each new pixel along one dimension.</summary>
internal sealed class ResamplingTaps(int[] first, double[][] weights)
{
    /// <summary>The number of new pixels.</summary>
    public int Count => first.Length;

    /// <summary>The first old pixel of a new one.</summary>
    public int First(int index) => first[index];

    /// <summary>The weights of that old pixel and those behind it; they add up to 1.</summary>
    public ReadOnlySpan<double> Weights(int index) => weights[index];
}
