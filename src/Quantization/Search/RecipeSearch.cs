using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Search;

/// <summary>The width that a search gives a layer.</summary>
/// <param name="Sensitivity">The layer.</param>
/// <param name="Bits">Bits per weight.</param>
/// <param name="IsFixed">Whether policy or rules ask for this width, so that it was not chosen.</param>
public sealed record LayerChoice(LayerSensitivity Sensitivity, int Bits, bool IsFixed)
{
    /// <summary>The error that the layer causes alone at its width; null where that width was not measured.</summary>
    public double? Error => Sensitivity.Errors.TryGetValue(Bits, out var error) ? error : null;
}

/// <summary>Widths for all layers that are quantized.</summary>
/// <param name="Layers">The layers, in topological order.</param>
public sealed record BitAssignment(IReadOnlyList<LayerChoice> Layers)
{
    /// <summary>Bits per weight, in the mean over all weights of these layers.</summary>
    public double MeanBits =>
        (double)Layers.Sum(l => l.Sensitivity.Weights * l.Bits) / Layers.Sum(l => l.Sensitivity.Weights);

    /// <summary>The widths by layer.</summary>
    public IReadOnlyDictionary<string, int> Widths =>
        Layers.ToDictionary(l => l.Sensitivity.Layer, l => l.Bits, StringComparer.Ordinal);
}

/// <summary>
/// Turns sensitivities into a recipe under a budget. Layers' errors are taken to add up, which holds as long as they are small
/// and independent; so a caller measures the result together and beside equal widths for all.
/// </summary>
public static class RecipeSearch
{
    /// <summary>The assignment of the least sum of errors.</summary>
    /// <param name="table">The sensitivities.</param>
    /// <param name="recipe">Policy and rules: widths that they give are kept, layers that they leave in float count for nothing.</param>
    /// <param name="budgetBits">Bits per weight that the mean may have.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1096: no assignment is under the budget. DQ1097: policy and rules
    /// leave nothing to choose.</exception>
    public static BitAssignment Allocate(
        SensitivityTable table,
        Recipe recipe,
        double budgetBits,
        CancellationToken cancellation = default
    )
    {
        var layers = Fixed(table, recipe);
        var free = layers.Where(l => l.Bits is null).Select(l => l.Layer).ToArray();
        if (free.Length == 0)
        {
            throw QuantizationErrors.NothingToChoose();
        }

        var all = layers.Sum(l => l.Layer.Weights);
        var spent = layers.Sum(l => l.Layer.Weights * (l.Bits ?? 0));
        var items = free.Select(l => new AllocationItem(l.Weights, l.Errors)).ToArray();
        // A product of a budget such as 2.3 and a number of weights is not exact.
        var bits = (long)Math.Floor((budgetBits * all) + 1e-6) - spent;
        if (BitAllocation.Solve(items, bits, cancellation) is not { } widths)
        {
            var least = spent + free.Sum(l => l.Weights * l.Errors.Keys.Min());
            throw QuantizationErrors.BudgetTooSmall(budgetBits, (double)least / all);
        }

        var chosen = new Queue<int>(widths);
        return new([.. layers.Select(l => new LayerChoice(l.Layer, l.Bits ?? chosen.Dequeue(), l.Bits is not null))]);
    }

    /// <summary>The assignment of one width for all layers that are free to choose, the largest that was measured and is under
    /// the budget; null where none is.</summary>
    /// <inheritdoc cref="Allocate"/>
    public static (int Width, BitAssignment Assignment)? Uniform(
        SensitivityTable table,
        Recipe recipe,
        double budgetBits
    )
    {
        var layers = Fixed(table, recipe);
        foreach (var width in table.Layers[0].Errors.Keys.OrderDescending())
        {
            var uniform = new BitAssignment([
                .. layers.Select(l => new LayerChoice(l.Layer, l.Bits ?? width, l.Bits is not null)),
            ]);
            if (uniform.MeanBits <= budgetBits)
            {
                return (width, uniform);
            }
        }

        return null;
    }

    /// <summary>The recipe of an assignment: a rule for each layer whose width was chosen, by its exact name.</summary>
    /// <param name="recipe">What the rules are added to.</param>
    /// <param name="assignment">The widths.</param>
    /// <param name="weightsSha256">The hash of the model's weights.</param>
    public static Recipe ToRecipe(Recipe recipe, BitAssignment assignment, string weightsSha256) =>
        recipe with
        {
            Rules =
            [
                .. recipe.Rules,
                .. assignment.Layers.Where(l => !l.IsFixed).Select(l => RuleOf(l.Sensitivity.Layer, new(l.Bits, null))),
            ],
            WeightsSha256 = weightsSha256,
        };

    /// <summary>A rule for one layer.</summary>
    internal static LayerRule RuleOf(string layer, LayerBits bits) => new(LayerPattern.Exact(layer), bits);

    /// <summary>The layers that are not left in float, and the width that policy and rules give them, if they do.</summary>
    private static (LayerSensitivity Layer, int? Bits)[] Fixed(SensitivityTable table, Recipe recipe)
    {
        var rules = recipe.AllRules;
        return
        [
            .. table
                .Layers.Select(layer =>
                    (
                        layer,
                        Bits: rules
                            .LastOrDefault(r => r.Bits.WeightBits is not null && r.Pattern.Matches(layer.Description))
                            ?.Bits.WeightBits
                    )
                )
                .Where(l => l.Bits is not BitWidths.FloatBits),
        ];
    }
}
