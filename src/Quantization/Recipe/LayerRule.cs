using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Gives the layers of a pattern other bits than the recipe's: <c>type:Conv&amp;position:skip=float</c>.</summary>
/// <param name="Pattern">Which layers.</param>
/// <param name="Bits">Their bits; what it leaves open stays as an earlier rule, or the recipe, set it.</param>
public sealed record LayerRule(LayerPattern Pattern, LayerBits Bits)
{
    /// <summary>Reads <c>pattern=value</c>; what stands behind the last <c>=</c> is the value.</summary>
    /// <exception cref="DiffusionQuantException">DQ1071 to DQ1073: the text, its pattern or its value is not understood.</exception>
    public static LayerRule Parse(string text)
    {
        var split = text.LastIndexOf('=');
        if (split < 0)
        {
            throw RecipeErrors.BadRule(text);
        }

        var value = text[(split + 1)..];
        return LayerBits.TryParse(value, out var bits)
            ? new(LayerPattern.Parse(text[..split]), bits)
            : throw RecipeErrors.BadRuleValue(text, value.Trim());
    }

    /// <summary>The bits of a layer: those given, changed by every rule that matches, in order; the later wins.</summary>
    public static BitWidths Resolve(BitWidths bits, IEnumerable<LayerRule> rules, LayerDescription layer)
    {
        foreach (var rule in rules)
        {
            if (rule.Pattern.Matches(layer))
            {
                bits = rule.Bits.Over(bits);
            }
        }

        return bits;
    }

    /// <summary>The canonical text, <c>pattern=value</c>.</summary>
    public override string ToString() => $"{Pattern}={Bits}";
}
