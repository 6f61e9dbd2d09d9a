namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Makes the quantizer of a candidate range under a <see cref="Symmetry"/>.</summary>
internal static class RangeCandidates
{
    public static UniformQuantizer Quantizer(float min, float max, int bits, Symmetry symmetry) =>
        symmetry switch
        {
            Symmetry.Symmetric => UniformQuantizer.Symmetric(Math.Max(-min, max), bits),
            Symmetry.ZeroBased => UniformQuantizer.OfRange(0, max, bits),
            _ => UniformQuantizer.OfRange(min, max, bits),
        };
}
