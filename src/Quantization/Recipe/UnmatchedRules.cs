using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Finds rules that match no layer: a misspelt one changes nothing, and nothing else would tell.</summary>
public static class UnmatchedRules
{
    // A recipe for another model has one for each of its layers.
    private const int MostNamed = 3;

    /// <summary>The warning DQ1088 with what was probably meant; null where every rule matches a layer.</summary>
    /// <param name="path">The model.</param>
    /// <param name="rules">Rules that a user wrote; those of policies are for any model.</param>
    /// <param name="layers">The model's layers.</param>
    public static DiffusionQuantException? Find(
        string path,
        IEnumerable<LayerRule> rules,
        IReadOnlyList<LayerDescription> layers
    )
    {
        LayerRule[] unmatched = [.. rules.Where(r => !layers.Any(r.Pattern.Matches))];
        if (unmatched.Length == 0)
        {
            return null;
        }

        var named = unmatched.Take(MostNamed).Select(r => $"'{r}' ({r.Pattern.WhyNone(layers)})");
        return RecipeErrors.RulesMatchNothing(
            path,
            unmatched.Length > MostNamed ? named.Append($"and {unmatched.Length - MostNamed} more") : named
        );
    }
}
