namespace DiffusionQuant.Quantization.Recipes;

/// <summary>A term of a pattern.</summary>
/// <param name="Text">Its canonical text.</param>
/// <param name="Holds">Whether it holds for a layer.</param>
/// <param name="WhyNone">Says of layers for none of which it holds what they have instead.</param>
internal sealed record LayerTerm(
    string Text,
    Func<LayerDescription, bool> Holds,
    Func<IReadOnlyList<LayerDescription>, string> WhyNone
)
{
    /// <summary>Different words in their order, as a sentence lists them.</summary>
    public static string List(IEnumerable<string> words, string last = "and")
    {
        string[] distinct = [.. words.Distinct(StringComparer.Ordinal)];
        return distinct.Length < 2
            ? distinct.FirstOrDefault("none")
            : $"{string.Join(", ", distinct[..^1])} {last} {distinct[^1]}";
    }
}
