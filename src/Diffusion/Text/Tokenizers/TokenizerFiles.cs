using System.Text.Json;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion;

/// <summary>Finds and reads a tokenizer's files.</summary>
internal static class TokenizerFiles
{
    private const string Vocabulary = "vocab.json";
    private const string Merges = "merges.txt";
    private const string Pieces = "spiece.model";
    private const string Whole = "tokenizer.json";

    // A vocabulary is filled up to a multiple of 64 or 128, and tokens may have been added to it.
    private const int MostRowsPerToken = 2;

    /// <summary>The files that may be looked at, whether they are there or not.</summary>
    public static IEnumerable<string> Places(string folder) =>
        new[] { Vocabulary, Merges, Pieces, Whole }
            .Select(f => Path.Combine(folder, f))
            .Concat(TokenizerSettings.Places(folder));

    /// <summary>Whether a folder holds a tokenizer, or a part of one.</summary>
    public static bool Exist(string folder) =>
        new[] { Vocabulary, Merges, Pieces, Whole }.Any(f => File.Exists(Path.Combine(folder, f)));

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="encoder">The encoder that it is for, for messages.</param>
    /// <param name="defaultPad">CLIP's padding token where no settings tell it; null for the token of a text's end.</param>
    /// <exception cref="DiffusionQuantException">DQ1061, DQ1062: a file is missing or cannot be read.</exception>
    public static ITextTokenizer Load(string folder, string encoder, string? defaultPad)
    {
        string At(string name) => Path.Combine(folder, name);
        var settings = TokenizerSettings.Load(folder, defaultPad);
        var (hasVocabulary, hasMerges) = (File.Exists(At(Vocabulary)), File.Exists(At(Merges)));
        if (File.Exists(At(Pieces)))
        {
            return Read(
                At(Pieces),
                path => new T5Tokenizer(path, SentencePieceFile.Parse(File.ReadAllBytes(path)), settings)
            );
        }

        if (hasVocabulary && hasMerges)
        {
            return Read(At(Vocabulary), path => Clip(path, At(Merges), settings));
        }

        if (File.Exists(At(Whole)))
        {
            return Read(At(Whole), path => OfJson(path, settings));
        }

        throw DiffusionErrors.NoTokenizer(
            folder,
            encoder,
            hasVocabulary ? $"{Merges} is missing beside {Vocabulary}"
                : hasMerges ? $"{Vocabulary} is missing beside {Merges}"
                : $"it holds neither {Vocabulary} with {Merges}, nor {Pieces}, nor {Whole}"
        );
    }

    /// <summary>Refuses a tokenizer of another model than the encoder's.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="encoder">The encoder's file, for messages.</param>
    /// <param name="rows">Rows of its table of embeddings; null where they are not known.</param>
    /// <exception cref="DiffusionQuantException">DQ1063: it has more tokens than rows, or far fewer.</exception>
    public static void CheckSize(ITextTokenizer tokenizer, string encoder, int? rows)
    {
        if (
            rows is { } known
            && (tokenizer.VocabularySize > known || tokenizer.VocabularySize * (long)MostRowsPerToken < known)
        )
        {
            throw DiffusionErrors.TokenizerDoesNotFit(tokenizer.Path, tokenizer.VocabularySize, encoder, known);
        }
    }

    private static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is not (DiffusionQuantException or OutOfMemoryException))
        {
            // Whatever the libraries throw at a file that is broken.
            throw DiffusionErrors.BadTokenizer(path, IsPointer(path) ? "it is a pointer of Git LFS" : e.Message, e);
        }
    }

    private static bool IsPointer(string path) =>
        File.Exists(path)
        && File.ReadLines(path).FirstOrDefault()?.StartsWith("version https://git-lfs", StringComparison.Ordinal)
            == true;

    private static ClipTokenizer Clip(string vocabularyPath, string mergesPath, TokenizerSettings settings)
    {
        var vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(vocabularyPath));
        if (vocabulary is not { Count: > 0 })
        {
            throw DiffusionErrors.BadTokenizer(vocabularyPath, "it holds no tokens");
        }

        string[] merges =
        [
            .. File.ReadLines(mergesPath).Where((line, i) => line.Length > 0 && !(i == 0 && line.StartsWith('#'))),
        ];
        var bad = Array.FindIndex(merges, m => m.Split(' ') is not [{ Length: > 0 }, { Length: > 0 }]);
        return bad < 0
            ? Read(mergesPath, _ => new ClipTokenizer(vocabularyPath, vocabulary, merges, settings))
            : throw DiffusionErrors.BadTokenizer(
                mergesPath,
                IsPointer(mergesPath)
                    ? "it is a pointer of Git LFS"
                    : $"'{merges[bad]}' is no merge: two pieces with a space between them are expected"
            );
    }

    private static ITextTokenizer OfJson(string path, TokenizerSettings settings)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        var model = document.RootElement.GetProperty("model");
        var added = document.RootElement.TryGetProperty("added_tokens", out var list)
            ? list.EnumerateArray()
                .ToDictionary(t => t.GetProperty("content").GetString()!, t => t.GetProperty("id").GetInt32())
            : [];
        var type = model.TryGetProperty("type", out var named) ? named.GetString() : null;
        var isBpe = type is null ? model.TryGetProperty("merges", out _) : type == "BPE";
        if (!isBpe)
        {
            return type is null or "Unigram"
                ? new T5Tokenizer(
                    path,
                    SentencePieceFile.Of(model, Table(document.RootElement), added.ContainsKey),
                    settings
                )
                : throw DiffusionErrors.BadTokenizer(path, $"its model is {type}, and BPE or Unigram is expected");
        }

        var vocabulary = model
            .GetProperty("vocab")
            .EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.GetInt32(), StringComparer.Ordinal);
        foreach (var (token, id) in added)
        {
            vocabulary[token] = id;
        }

        // Newer writers have a list of two pieces in place of one text.
        var merges = model
            .GetProperty("merges")
            .EnumerateArray()
            .Select(m =>
                m.ValueKind == JsonValueKind.String ? m.GetString()! : $"{m[0].GetString()} {m[1].GetString()}"
            );
        return new ClipTokenizer(path, vocabulary, merges, settings with { Special = [.. added.Keys] });
    }

    /// <summary>The table of the normaliser, which may stand among others.</summary>
    private static byte[] Table(JsonElement root)
    {
        if (!root.TryGetProperty("normalizer", out var normalizer) || normalizer.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        var all = normalizer.TryGetProperty("normalizers", out var several)
            ? several.EnumerateArray().ToArray()
            : [normalizer];
        return all.Where(n => n.TryGetProperty("precompiled_charsmap", out _))
                .Select(n => n.GetProperty("precompiled_charsmap").GetBytesFromBase64())
                .FirstOrDefault()
            ?? [];
    }
}
