using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Parts;

/// <summary>What becomes of a pipeline's part other than the denoiser: integers, or another precision.</summary>
/// <param name="Bits">Its bits; null where it stays in floating point.</param>
/// <param name="Word">The word in recipes: <c>W8A16</c>, <c>float16</c>, <c>float32</c>.</param>
public sealed record PartForm(BitWidths? Bits, string Word)
{
    /// <summary>What a word may be.</summary>
    public const string Grammar =
        "bits (W8A16, W8A8 ...), float16 (weights of half the size, computed as before) or float32";

    /// <summary>Weights kept as float16, computed as before.</summary>
    public static PartForm Half { get; } = new(null, "float16");

    /// <summary>Computed in float32, for graphs of float16 that overflow.</summary>
    public static PartForm Single { get; } = new(null, "float32");

    /// <summary>Reads a word; case does not matter.</summary>
    /// <exception cref="DiffusionQuantException">DQ1089: it is none.</exception>
    public static PartForm Parse(string part, string word)
    {
        var trimmed = word.Trim();
        return new[] { Half, Single }.FirstOrDefault(f => f.Word.Equals(trimmed, StringComparison.OrdinalIgnoreCase))
            ?? (
                BitWidths.TryParse(trimmed, out var bits) && bits.QuantizesWeights
                    ? new(bits, bits.ToString())
                    : throw RecipeErrors.BadPart($"{part}={word}")
            );
    }
}
