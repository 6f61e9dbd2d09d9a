using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Cuts a normalised text into CLIP's words: an ending ('s, 't, 're, 've, 'm, 'll, 'd), letters, one digit, or other signs.
/// It goes by code points, which a regular expression of .NET does not: it takes letters beyond 16 bits for signs.
/// </summary>
internal sealed class ClipSplitter : PreTokenizer
{
    private static readonly string[] Endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind
    {
        Space,
        Letter,
        Digit,
        Other,
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Split(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => Split(text);

    private static List<(int Offset, int Length)> Split(ReadOnlySpan<char> text)
    {
        var words = new List<(int Offset, int Length)>();
        for (var at = 0; at < text.Length; )
        {
            var kind = KindAt(text[at..], out var length);
            if (EndingAt(text[at..]) is { } ending)
            {
                length = ending;
            }
            else if (kind is Kind.Letter or Kind.Other)
            {
                while (at + length < text.Length && KindAt(text[(at + length)..], out var more) == kind)
                {
                    length += more;
                }
            }

            if (kind != Kind.Space)
            {
                words.Add((at, length));
            }

            at += length;
        }

        return words;
    }

    private static int? EndingAt(ReadOnlySpan<char> text)
    {
        foreach (var ending in Endings)
        {
            if (text.StartsWith(ending, StringComparison.Ordinal))
            {
                return ending.Length;
            }
        }

        return null;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        return Rune.IsWhiteSpace(rune)
            ? Kind.Space
            : Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter => Kind.Letter,
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber =>
                    Kind.Digit,
                _ => Kind.Other,
            };
    }
}
