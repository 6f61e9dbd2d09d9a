namespace DiffusionQuant.Onnx.Diagnostics;

/// <summary>Finds the word that was probably meant, for "did you mean" in messages.</summary>
public static class NearMatch
{
    /// <summary>The candidate with the fewest edits, or null when none is near (a third of the word's length).</summary>
    public static string? Of(string word, IEnumerable<string> candidates)
    {
        var (best, least) = ((string?)null, (word.Length + 2) / 3 + 1);
        foreach (var candidate in candidates)
        {
            var distance = Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < least)
            {
                (best, least) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>
    /// The candidates that were probably meant, the nearest first: the one with few edits, and those that the word is a
    /// part of, or a part of which it is. Case does not count, and <c>*</c> and <c>?</c> in the word stand for nothing.
    /// </summary>
    /// <param name="word">The word.</param>
    /// <param name="candidates">The candidates.</param>
    /// <param name="most">How many are wanted at most.</param>
    public static IReadOnlyList<string> Several(string word, IEnumerable<string> candidates, int most)
    {
        var literal = word.Replace("*", "", StringComparison.Ordinal).Replace("?", "", StringComparison.Ordinal);
        if (literal.Length == 0)
        {
            return [];
        }

        string[] distinct = [.. candidates.Where(c => c.Length > 0).Distinct(StringComparer.Ordinal)];
        var related = distinct
            .Where(c =>
                c.Contains(literal, StringComparison.OrdinalIgnoreCase)
                || literal.Contains(c, StringComparison.OrdinalIgnoreCase)
            )
            .OrderBy(c => Math.Abs(c.Length - literal.Length));
        return [.. (Of(literal, distinct) is { } near ? related.Prepend(near) : related).Distinct().Take(most)];
    }

    /// <summary>Levenshtein's distance in which a swap of neighbours counts once (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            d[i, 0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                if (i == 0)
                {
                    d[i, j] = j;
                    continue;
                }

                var substituted = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(substituted, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
