using System.Text;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// Text patterns in which <c>*</c> stands for any text, <c>?</c> for any one character, and a backslash makes the character
/// behind it mean itself.
/// </summary>
internal static class Glob
{
    /// <summary>The character that takes the next one's meaning away.</summary>
    public const char Escape = '\\';

    /// <summary>Whether the whole text fits the pattern; in time pattern × text at worst.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        var (p, t) = (0, 0);
        var (starInPattern, starInText) = (-1, 0);
        while (t < text.Length)
        {
            var length = LengthAt(pattern, p);
            if (length == 1 && pattern[p] == '*')
            {
                (starInPattern, starInText) = (p++, t);
            }
            else if (length > 0 && ((length == 1 && pattern[p] == '?') || pattern[p + length - 1] == text[t]))
            {
                (p, t) = (p + length, t + 1);
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

    /// <summary>The pattern that fits one text only.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isSpecial">Which of its characters, by place, need an escape besides those that patterns use.</param>
    public static string Exact(string text, Func<int, bool> isSpecial)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '*' or '?' or Escape || isSpecial(i))
            {
                result.Append(Escape);
            }

            result.Append(text[i]);
        }

        return result.ToString();
    }

    /// <summary>The pieces between separators that are not escaped, without the white space around them.</summary>
    public static IEnumerable<string> Split(string pattern, char separator)
    {
        var start = 0;
        for (var i = 0; i <= pattern.Length; i += Math.Max(1, LengthAt(pattern, i)))
        {
            if (i == pattern.Length || pattern[i] == separator)
            {
                yield return Trim(pattern[start..i]);
                start = i + 1;
            }
        }
    }

    private static string Trim(string piece)
    {
        var end = 0;
        for (var i = 0; i < piece.Length; i += LengthAt(piece, i))
        {
            end = char.IsWhiteSpace(piece[i]) ? end : i + LengthAt(piece, i);
        }

        return piece[..end].TrimStart();
    }

    /// <summary>How many characters the element at a place has: 2 with an escape, 0 behind the end.</summary>
    private static int LengthAt(ReadOnlySpan<char> pattern, int place) =>
        place >= pattern.Length ? 0
        : pattern[place] == Escape && place + 1 < pattern.Length ? 2
        : 1;
}
