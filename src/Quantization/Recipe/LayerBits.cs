using System.Globalization;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>What a rule says about a layer's bits; a width that it leaves open is null.</summary>
/// <param name="WeightBits">Bits per weight: 2 to 8, or 32 for weights as they are.</param>
/// <param name="ActivationBits">Bits per activation: 2 to 8, or 16 or 32 for floating point.</param>
public readonly record struct LayerBits(int? WeightBits, int? ActivationBits)
{
    /// <summary>What texts are understood, for messages and help.</summary>
    public const string Grammar = "W4A8, 'float', or one half alone such as W8 or A8";

    /// <summary>The layer stays as it is.</summary>
    public static LayerBits Float { get; } = new(BitWidths.FloatBits, BitWidths.FloatBits);

    /// <summary>Both widths, taken from a pair.</summary>
    public static LayerBits Of(BitWidths bits) => new(bits.WeightBits, bits.ActivationBits);

    /// <summary>Another pair of widths with those that are set here in place of its own.</summary>
    public BitWidths Over(BitWidths bits) => new(WeightBits ?? bits.WeightBits, ActivationBits ?? bits.ActivationBits);

    /// <summary>Reads <c>W4A8</c>, <c>float</c>, <c>W8</c> or <c>A8</c>; case does not matter.</summary>
    public static bool TryParse(string? text, out LayerBits bits)
    {
        bits = default;
        var rest = (text ?? "").Trim().AsSpan();
        if (rest.Equals("float", StringComparison.OrdinalIgnoreCase))
        {
            bits = Float;
            return true;
        }

        var weights = TakeWidth(ref rest, 'W', out var weightsUnderstood);
        var activations = TakeWidth(ref rest, 'A', out var activationsUnderstood);
        if (!weightsUnderstood || !activationsUnderstood || rest.Length > 0 || (weights ?? activations) is null)
        {
            return false;
        }

        if (weights is { } w && !BitWidths.IsWeightWidth(w) || activations is { } a && !BitWidths.IsActivationWidth(a))
        {
            return false;
        }

        bits = new(weights, activations);
        return true;
    }

    /// <summary>The canonical text: <c>W4A8</c>, <c>W8</c>, <c>A8</c> or <c>float</c>.</summary>
    public override string ToString() =>
        this == Float ? "float" : $"{(WeightBits is { } w ? $"W{w}" : "")}{(ActivationBits is { } a ? $"A{a}" : "")}";

    private static int? TakeWidth(ref ReadOnlySpan<char> text, char letter, out bool understood)
    {
        understood = true;
        if (text.Length == 0 || char.ToUpperInvariant(text[0]) != letter)
        {
            return null;
        }

        var end = 1;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
        {
            end++;
        }

        // A leading zero is refused, so that each pair of widths has one text only.
        var digits = text[1..end];
        understood =
            digits.Length is 1 or 2 && digits[0] != '0' && int.TryParse(digits, CultureInfo.InvariantCulture, out _);
        var width = understood ? int.Parse(digits, CultureInfo.InvariantCulture) : 0;
        text = text[end..];
        return width;
    }
}
