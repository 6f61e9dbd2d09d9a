using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>
/// An activation edge that is quantized. Two layers that read the same value at the same width share the point; values
/// that only differ by data movement (Reshape, Transpose, nearest Resize …) are one point, named after where they begin.
/// </summary>
/// <param name="Value">The name of the value.</param>
/// <param name="Bits">The code's width, 2 to 8.</param>
/// <param name="Symmetry">Which zero points are allowed.</param>
public sealed record ActivationPoint(string Value, int Bits, Symmetry Symmetry)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Value}@{Bits}";
}
