using System.Text;
using Microsoft.ML.Tokenizers;

namespace DiffusionQuant.Diffusion;

/// <summary>CLIP's tokenizer: byte-level BPE of words in lower case, whose last piece ends in <c>&lt;/w&gt;</c>.</summary>
internal sealed class ClipTokenizer : ITextTokenizer
{
    private const string Begin = "<|startoftext|>";
    private const string End = "<|endoftext|>";
    private readonly BpeTokenizer bpe;
    private readonly int begin;
    private readonly int end;

    // In the order in which they are looked for: a longer one may start with a shorter one.
    private readonly (string Text, int Id)[] specials;

    public ClipTokenizer(
        string path,
        IReadOnlyDictionary<string, int> vocabulary,
        IEnumerable<string> merges,
        TokenizerSettings settings
    )
    {
        Path = path;
        MaxLength = settings.MaxLength;
        VocabularySize = vocabulary.Values.Max() + 1;
        int Id(string token) =>
            vocabulary.TryGetValue(token, out var id)
                ? id
                : throw DiffusionErrors.BadTokenizer(path, $"its vocabulary lacks the token '{token}'");
        var (beginText, endText) = (settings.Begin ?? Begin, settings.End ?? End);
        begin = Id(beginText);
        end = Id(endText);
        Pad =
            settings.Pad is not null ? Id(settings.Pad)
            : settings.DefaultPad is not null ? vocabulary.GetValueOrDefault(settings.DefaultPad, end)
            : end;
        var named = new[]
        {
            beginText,
            endText,
            settings.Pad ?? settings.DefaultPad,
            settings.Unknown,
        }.OfType<string>();
        specials =
        [
            .. named
                .Concat(settings.Special)
                .Where(s => s.Length > 0 && vocabulary.ContainsKey(s))
                .Distinct()
                .OrderByDescending(s => s.Length)
                .Select(s => (s, vocabulary[s])),
        ];
        bpe = BpeTokenizer.Create(
            new BpeOptions(vocabulary)
            {
                Merges = merges,
                PreTokenizer = new ClipSplitter(),
                UnknownToken = endText,
                EndOfWordSuffix = "</w>",
                ByteLevel = true,
            }
        );
    }

    public string Path { get; }

    public TokenizerKind Kind => TokenizerKind.Clip;

    public int VocabularySize { get; }

    public int? MaxLength { get; }

    /// <summary>The token that fills up a text.</summary>
    public int Pad { get; }

    public TokenRow Encode(string text, int length) => TokenRow.Of(Tokens(text), begin, end, Pad, length);

    /// <summary>The tokens alone. Special ones are taken out before words are, as transformers does, so that SDXL's second
    /// tokenizer makes its padding token of a "!".</summary>
    private List<int> Tokens(string text)
    {
        var tokens = new List<int>();
        var plain = 0;
        for (var at = 0; at < text.Length; )
        {
            var found = Array.Find(specials, s => string.CompareOrdinal(text, at, s.Text, 0, s.Text.Length) == 0);
            if (found.Text is null)
            {
                at++;
                continue;
            }

            AddPlain(text[plain..at]);
            tokens.Add(found.Id);
            plain = at += found.Text.Length;
        }

        AddPlain(text[plain..]);
        return tokens;

        void AddPlain(string part) => tokens.AddRange(bpe.EncodeToIds(Normalise(part)));
    }

    private static string Normalise(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in CanonicalForm.Compose(text).EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                result.Append(' ');
            }
            else if (rune.Value == 'İ')
            {
                // The one letter whose lower case is two, which .NET leaves as it is.
                result.Append("i\u0307");
            }
            else
            {
                result.Append(Rune.ToLowerInvariant(rune));
            }
        }

        return result.ToString();
    }
}
