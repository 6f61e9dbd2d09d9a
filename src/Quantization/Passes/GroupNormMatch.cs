using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>A group normalization that was found in a graph.</summary>
/// <param name="Input">The value that it normalizes, [N,C,…].</param>
/// <param name="Output">The value that it makes, of the same shape.</param>
/// <param name="Readers">The nodes of the normalization that read <paramref name="Input"/>.</param>
/// <param name="Rank">The rank of both.</param>
/// <param name="Groups">The number of groups.</param>
/// <param name="Epsilon">What is added to the variance.</param>
/// <param name="Gamma">The factor of each channel.</param>
/// <param name="Beta">The summand of each channel.</param>
internal sealed record GroupNormMatch(
    string Input,
    string Output,
    IReadOnlyList<OnnxNode> Readers,
    int Rank,
    int Groups,
    float Epsilon,
    float[] Gamma,
    float[] Beta
)
{
    /// <summary>The number of channels.</summary>
    public int Channels => Gamma.Length;
}
