using Microsoft.ML.Tokenizers;

namespace DiffusionQuant.Diffusion;

/// <summary>T5's tokenizer: a SentencePiece model, an end, nothing in front.</summary>
internal sealed class T5Tokenizer : ITextTokenizer
{
    private readonly SentencePieceTokenizer pieces;
    private readonly int end;
    private readonly int pad;

    public T5Tokenizer(string path, SentencePieceFile file, TokenizerSettings settings)
    {
        Path = path;
        MaxLength = settings.MaxLength;
        VocabularySize = file.PieceCount;
        end =
            file.End >= 0
                ? file.End
                : throw DiffusionErrors.BadTokenizer(path, "it has no piece for the end of a text");
        pad = file.Pad >= 0 ? file.Pad : 0;
        using var stream = new MemoryStream(file.Readable);
        pieces = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }

    public string Path { get; }

    public TokenizerKind Kind => TokenizerKind.T5;

    public int VocabularySize { get; }

    public int? MaxLength { get; }

    public TokenRow Encode(string text, int length) =>
        TokenRow.Of(string.IsNullOrWhiteSpace(text) ? [] : pieces.EncodeToIds(text), begin: null, end, pad, length);
}
