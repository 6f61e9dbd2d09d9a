using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>The tokenizer of a CLIP model that compares texts with pictures: makes the token ids that its text encoder takes.
/// Prompts of pipelines go through <see cref="PromptEncoder"/>.</summary>
public sealed class ClipTextTokenizer
{
    /// <summary>How many tokens CLIP has places for where nothing says otherwise.</summary>
    private const int UsualLength = 77;

    private readonly ClipTokenizer tokenizer;

    private ClipTextTokenizer(ClipTokenizer tokenizer, IReadOnlyList<string> files)
    {
        this.tokenizer = tokenizer;
        Files = files;
    }

    /// <summary>The files that may be looked at, as full paths, whether they are there or not.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>How many tokens a text may have, with those for beginning and end.</summary>
    public int MaxLength => tokenizer.MaxLength ?? UsualLength;

    /// <summary>The token that fills up a text where a graph fixes the length.</summary>
    public int Padding => tokenizer.Pad;

    /// <summary>Reads the tokenizer that lies in a folder.</summary>
    /// <param name="folder">The folder with <c>vocab.json</c> and <c>merges.txt</c>, or <c>tokenizer.json</c>.</param>
    /// <param name="path">The text encoder's file, for messages.</param>
    /// <param name="encoder">The text encoder.</param>
    /// <param name="ids">The name of its input that takes token ids.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1061, DQ1062: a file is missing, cannot be read, or is no
    /// CLIP tokenizer's. DQ1063: the tokenizer has not as many tokens as the encoder.</exception>
    public static ClipTextTokenizer Load(string folder, string path, OnnxModel encoder, string ids)
    {
        var read = TokenizerFiles.Load(folder, path, defaultPad: null);
        if (read is not ClipTokenizer tokenizer)
        {
            throw DiffusionErrors.BadTokenizer(
                read.Path,
                "it is SentencePiece's, and CLIP's byte-level BPE is expected"
            );
        }

        TokenizerFiles.CheckSize(tokenizer, path, InputTrace.Of(new(encoder.Graph), ids).TableRows);
        return new(tokenizer, [.. TokenizerFiles.Places(folder).Select(Path.GetFullPath)]);
    }

    /// <summary>The token ids of a text, with those for beginning and end. Of a text that is too long the end is cut off, and
    /// the last token is still that of the end, as in OpenAI's own code.</summary>
    /// <param name="text">The text; it may be empty.</param>
    /// <param name="length">The most tokens.</param>
    public IReadOnlyList<int> Encode(string text, int length)
    {
        var row = tokenizer.Encode(text, length);
        return [.. row.Ids.Take(row.Used)];
    }
}
