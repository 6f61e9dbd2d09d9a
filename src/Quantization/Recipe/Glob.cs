namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Text patterns in which <c>*</c> stands for any text and <c>?</c> for any one character.</summary>
internal static class Glob
{
    /// <summary>Whether the whole text fits the pattern; in time pattern × text at worst.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        var (p, t) = (0, 0);
        var (starInPattern, starInText) = (-1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (starInPattern, starInText) = (p++, t);
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                (p, t) = (p + 1, t + 1);
            }
            else if (starInPattern >= 0)
            {
                // Only the last star needs another try: an earlier one that took more could do no better.
                (p, t) = (starInPattern + 1, ++starInText);
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].TrimStart('*').Length == 0;
    }
}
