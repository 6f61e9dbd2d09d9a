using System.Collections.Immutable;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// Which layers a rule means: terms joined by <c>&amp;</c>, all of which must hold. A term is a glob over the layer's
/// name (<c>/down*/conv1*</c>), <c>type:</c> and a glob over its operator, or <c>position:</c> and a place.
/// </summary>
/// <remarks>
/// In a glob <c>*</c> stands for any text (slashes too) and <c>?</c> for any one character, also for those that the
/// grammar uses itself; a backslash makes the character behind it mean itself. Names and operators are compared with their
/// case.
/// </remarks>
public sealed class LayerPattern : IEquatable<LayerPattern>
{
    private const char Separator = '&';
    private const string TypePrefix = "type:";
    private const string PositionPrefix = "position:";

    private static readonly ImmutableArray<(string Text, LayerPositions Position)> Positions =
    [
        ("first", LayerPositions.First),
        ("last", LayerPositions.Last),
        ("time-embedding", LayerPositions.TimeEmbedding),
        ("attention", LayerPositions.Attention),
        ("skip", LayerPositions.Skip),
        ("downsample", LayerPositions.Downsample),
        ("upsample", LayerPositions.Upsample),
        ("time-mlp", LayerPositions.TimeMlp),
        ("attention-product", LayerPositions.AttentionProduct),
    ];

    private readonly string text;
    private readonly ImmutableArray<LayerTerm> terms;

    private LayerPattern(string text, ImmutableArray<LayerTerm> terms)
    {
        this.text = text;
        this.terms = terms;
    }

    /// <summary>The words that may stand behind <c>position:</c>.</summary>
    public static IEnumerable<string> PositionNames => Positions.Select(p => p.Text);

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="DiffusionQuantException">DQ1072: a term is empty or names no known position.</exception>
    public static LayerPattern Parse(string text)
    {
        ImmutableArray<LayerTerm> terms = [.. Glob.Split(text, Separator).Select(part => ParseTerm(text, part))];
        return new(string.Join(Separator, terms.Select(t => t.Text)), terms);
    }

    /// <summary>The pattern of one layer's name, whatever characters it has.</summary>
    /// <param name="name">The name; not empty.</param>
    public static LayerPattern Exact(string name)
    {
        var looksLikeTerm =
            name.StartsWith(TypePrefix, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(PositionPrefix, StringComparison.OrdinalIgnoreCase);
        return Parse(
            Glob.Exact(
                name,
                i =>
                    name[i] == Separator
                    || (i == 0 && looksLikeTerm)
                    || (i == 0 || i == name.Length - 1) && char.IsWhiteSpace(name[i])
            )
        );
    }

    /// <summary>Whether all terms hold for a layer.</summary>
    public bool Matches(LayerDescription layer)
    {
        foreach (var term in terms)
        {
            if (!term.Holds(layer))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Why a pattern matches none of some layers, and what may have been meant.</summary>
    internal string WhyNone(IReadOnlyList<LayerDescription> layers) =>
        terms.FirstOrDefault(t => !layers.Any(t.Holds)) is { } none
            ? none.WhyNone(layers)
            : "for each of its terms there are layers, but none for all of them";

    /// <summary>The words for places, in the order of <see cref="PositionNames"/>.</summary>
    public static IEnumerable<string> NamesOf(LayerPositions positions) =>
        Positions.Where(p => positions.HasFlag(p.Position)).Select(p => p.Text);

    /// <summary>The places of words; others stand for none.</summary>
    internal static LayerPositions PositionsOf(IEnumerable<string> words) =>
        words.Aggregate(
            LayerPositions.None,
            (all, word) => all | Positions.FirstOrDefault(p => p.Text == word).Position
        );

    /// <inheritdoc/>
    public bool Equals(LayerPattern? other) => other is not null && text == other.text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LayerPattern);

    /// <inheritdoc/>
    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The canonical text: terms in the order given, without spaces around them.</summary>
    public override string ToString() => text;

    private static LayerTerm ParseTerm(string pattern, string term)
    {
        if (term.StartsWith(PositionPrefix, StringComparison.OrdinalIgnoreCase))
        {
            var word = term[PositionPrefix.Length..].Trim();
            foreach (var (text, position) in Positions)
            {
                if (text.Equals(word, StringComparison.OrdinalIgnoreCase))
                {
                    return new(
                        PositionPrefix + text,
                        layer => layer.Positions.HasFlag(position),
                        layers =>
                            $"no layer stands at '{text}'; there are {LayerTerm.List(layers.SelectMany(l => NamesOf(l.Positions)))}"
                    );
                }
            }

            throw RecipeErrors.BadPattern(pattern, $"there is no position '{word}'", NearMatch.Of(word, PositionNames));
        }

        if (term.StartsWith(TypePrefix, StringComparison.OrdinalIgnoreCase))
        {
            var type = term[TypePrefix.Length..].Trim();
            return type.Length == 0
                ? throw RecipeErrors.BadPattern(pattern, "behind 'type:' stands no operator", null)
                : new(
                    TypePrefix + type,
                    layer => Glob.Matches(type, layer.OperatorType),
                    layers =>
                        NearMatch.Several(type, layers.Select(l => l.OperatorType), 1) is [var near]
                            ? $"no layer's operator is '{type}'; did you mean '{TypePrefix}{near}'?"
                            : $"no layer's operator is '{type}'; there are {LayerTerm.List(layers.Select(l => l.OperatorType))}"
                );
        }

        return term.Length == 0
            ? throw RecipeErrors.BadPattern(pattern, "a term is empty", null)
            : new(
                term,
                layer => Glob.Matches(term, layer.Name),
                layers =>
                    NearMatch.Several(term, layers.Select(l => l.Name), 3) is { Count: > 0 } near
                        ? $"no layer has such a name; did you mean {LayerTerm.List(near.Select(n => $"'{Exact(n)}'"), "or")}?"
                        : "no layer has such a name"
            );
    }
}
