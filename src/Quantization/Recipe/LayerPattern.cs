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
    private readonly ImmutableArray<Func<LayerDescription, bool>> terms;

    private LayerPattern(string text, ImmutableArray<Func<LayerDescription, bool>> terms)
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
        var canonical = new List<string>();
        var terms = ImmutableArray.CreateBuilder<Func<LayerDescription, bool>>();
        foreach (var part in Glob.Split(text, Separator))
        {
            var (term, holds) = ParseTerm(text, part);
            canonical.Add(term);
            terms.Add(holds);
        }

        return new(string.Join(Separator, canonical), terms.ToImmutable());
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
            if (!term(layer))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The words for places, in the order of <see cref="PositionNames"/>.</summary>
    public static IEnumerable<string> NamesOf(LayerPositions positions) =>
        Positions.Where(p => positions.HasFlag(p.Position)).Select(p => p.Text);

    /// <inheritdoc/>
    public bool Equals(LayerPattern? other) => other is not null && text == other.text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LayerPattern);

    /// <inheritdoc/>
    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The canonical text: terms in the order given, without spaces around them.</summary>
    public override string ToString() => text;

    private static (string Term, Func<LayerDescription, bool> Holds) ParseTerm(string pattern, string term)
    {
        if (term.StartsWith(PositionPrefix, StringComparison.OrdinalIgnoreCase))
        {
            var word = term[PositionPrefix.Length..].Trim();
            foreach (var (text, position) in Positions)
            {
                if (text.Equals(word, StringComparison.OrdinalIgnoreCase))
                {
                    return (PositionPrefix + text, layer => layer.Positions.HasFlag(position));
                }
            }

            throw RecipeErrors.BadPattern(pattern, $"there is no position '{word}'", NearMatch.Of(word, PositionNames));
        }

        if (term.StartsWith(TypePrefix, StringComparison.OrdinalIgnoreCase))
        {
            var type = term[TypePrefix.Length..].Trim();
            return type.Length == 0
                ? throw RecipeErrors.BadPattern(pattern, "behind 'type:' stands no operator", null)
                : (TypePrefix + type, layer => Glob.Matches(type, layer.OperatorType));
        }

        return term.Length == 0
            ? throw RecipeErrors.BadPattern(pattern, "a term is empty", null)
            : (term, layer => Glob.Matches(term, layer.Name));
    }
}
