using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// How many bits a layer's weights and activations have: <c>W4A8</c> is 4-bit weights and 8-bit activations.
/// </summary>
/// <remarks>
/// Activations of 16 or 32 bits stay floating point (weight-only quantization): <c>A16</c> computes in float16,
/// <c>A32</c> in float32. Weights of 32 bits are a layer that keeps its own precision; no recipe as a whole can say
/// that, only a <see cref="LayerRule"/> can (<c>float</c>).
/// </remarks>
public readonly record struct BitWidths
{
    /// <summary>What texts are understood, for messages and help.</summary>
    public const string Grammar = "W<2..8>A<2..8>, or W<2..8>A16 and W<2..8>A32 for weights only";

    /// <summary>Makes a pair of widths.</summary>
    /// <param name="weightBits">Bits per weight: 2 to 8, or 32 for weights as they are.</param>
    /// <param name="activationBits">Bits per activation: 2 to 8, or 16 or 32 for floating point.</param>
    /// <exception cref="ArgumentOutOfRangeException">A width is none of these.</exception>
    public BitWidths(int weightBits, int activationBits)
    {
        if (!IsWeightWidth(weightBits) && weightBits != FloatBits)
        {
            throw new ArgumentOutOfRangeException(nameof(weightBits), weightBits, "2 to 8, or 32.");
        }

        if (!IsActivationWidth(activationBits))
        {
            throw new ArgumentOutOfRangeException(nameof(activationBits), activationBits, "2 to 8, 16 or 32.");
        }

        WeightBits = weightBits;
        ActivationBits = activationBits;
    }

    /// <summary>The number of bits that stands for "as it is in the float model".</summary>
    internal const int FloatBits = 32;

    /// <summary>A layer that is not quantized.</summary>
    public static BitWidths Float { get; } = new(FloatBits, FloatBits);

    /// <summary>Bits per weight: 2 to 8, or 32 for weights as they are.</summary>
    public int WeightBits { get; }

    /// <summary>Bits per activation: 2 to 8, or 16 or 32 for floating point.</summary>
    public int ActivationBits { get; }

    /// <summary>Whether weights become integers.</summary>
    public bool QuantizesWeights => WeightBits <= 8;

    /// <summary>Whether activations become integers.</summary>
    public bool QuantizesActivations => ActivationBits <= 8;

    /// <summary>Whether neither weights nor activations become integers.</summary>
    public bool IsFloat => !QuantizesWeights && !QuantizesActivations;

    /// <summary>Reads a text such as <c>W4A8</c>; case does not matter.</summary>
    /// <exception cref="DiffusionQuantException">DQ1070: the text is not understood.</exception>
    public static BitWidths Parse(string text) =>
        TryParse(text, out var bits) ? bits : throw RecipeErrors.BadBitWidths(text);

    /// <summary>Reads a text such as <c>W4A8</c>; case does not matter.</summary>
    public static bool TryParse(string? text, out BitWidths bits)
    {
        bits = default;
        if (
            !LayerBits.TryParse(text, out var layer)
            || layer.WeightBits is not { } weights
            || layer.ActivationBits is not { } activations
            || !IsWeightWidth(weights)
        )
        {
            return false;
        }

        bits = new(weights, activations);
        return true;
    }

    /// <summary>The canonical text: <c>W4A8</c>, or <c>float</c>.</summary>
    public override string ToString() => this == Float ? "float" : $"W{WeightBits}A{ActivationBits}";

    internal static bool IsWeightWidth(int bits) => bits is >= 2 and <= 8;

    internal static bool IsActivationWidth(int bits) => bits is (>= 2 and <= 8) or 16 or FloatBits;
}
