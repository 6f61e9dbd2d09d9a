using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Search;

/// <summary>
/// The order in which layers get more bits where a limit does not hold: first each to 8 bits, the most sensitive first, then
/// each to float, likewise. The least sensitive one stays at 8 bits: a model that is float throughout is not a quantized one.
/// </summary>
public sealed class FallbackLadder
{
    private readonly IReadOnlyList<Step> steps;

    private FallbackLadder(IReadOnlyList<Step> steps) => this.steps = steps;

    /// <summary>The number of steps.</summary>
    public int Count => steps.Count;

    /// <summary>The ladder of a model and a recipe.</summary>
    /// <param name="table">The sensitivities.</param>
    /// <param name="recipe">What the layers have now.</param>
    public static FallbackLadder Of(SensitivityTable table, Recipe recipe)
    {
        var layers = table
            .Layers.Select(l => (Layer: l, Bits: recipe.BitsOf(l.Description)))
            .Where(l => l.Bits.QuantizesWeights)
            .ToArray();
        var toEight = layers
            .Where(l => Eight(l.Bits) != l.Bits)
            // Sorting is stable: layers of equal errors stay in topological order.
            .OrderByDescending(l => ErrorAt(l.Layer, l.Bits.WeightBits))
            .Select(l => new Step(l.Layer.Layer, l.Bits, LayerBits.Of(Eight(l.Bits))));
        var toFloat = layers
            .OrderByDescending(l => ErrorAt(l.Layer, 8))
            .Select(l => new Step(l.Layer.Layer, l.Bits, LayerBits.Float))
            .SkipLast(1);
        return new([.. toEight, .. toFloat]);
    }

    /// <summary>A recipe with rules behind its own for the layers of the first steps.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="count">The number of steps.</param>
    public Recipe Raise(Recipe recipe, int count) =>
        recipe with
        {
            Rules = [.. recipe.Rules, .. Last(count).Select(s => RecipeSearch.RuleOf(s.Layer, s.To))],
        };

    /// <summary>The layers of the first steps.</summary>
    public IReadOnlyList<RaisedLayer> Raised(int count) =>
        [.. Last(count).Select(s => new RaisedLayer(s.Layer, s.From.ToString(), s.To.ToString()))];

    /// <summary>What the first steps leave of each layer: its last one, at the place of its first.</summary>
    private IEnumerable<Step> Last(int count) =>
        steps.Take(count).GroupBy(s => s.Layer, StringComparer.Ordinal).Select(g => g.Last());

    private static BitWidths Eight(BitWidths bits) => new(8, bits.QuantizesActivations ? 8 : bits.ActivationBits);

    /// <summary>A width that was not measured has the error of the next smaller one that was.</summary>
    private static double ErrorAt(LayerSensitivity layer, int bits) =>
        layer.Errors.Where(e => e.Key <= bits).DefaultIfEmpty(layer.Errors.MinBy(e => e.Key)).MaxBy(e => e.Key).Value;

    private sealed record Step(string Layer, BitWidths From, LayerBits To);
}
