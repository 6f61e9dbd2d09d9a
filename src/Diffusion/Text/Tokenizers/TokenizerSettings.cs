namespace DiffusionQuant.Diffusion;

/// <summary>What the settings beside a tokenizer's vocabulary say.</summary>
internal sealed record TokenizerSettings
{
    private const int LongestText = 1 << 16;

    public string? Begin { get; init; }

    public string? End { get; init; }

    public string? Pad { get; init; }

    /// <summary>The padding token where there are no settings; a vocabulary need not have it.</summary>
    public string? DefaultPad { get; init; }

    public string? Unknown { get; init; }

    /// <summary>Further tokens that are matched in a text before it is cut into words.</summary>
    public IReadOnlyList<string> Special { get; init; } = [];

    public int? MaxLength { get; init; }

    /// <summary>Reads <c>tokenizer_config.json</c> and, for what it does not say, <c>special_tokens_map.json</c>.</summary>
    /// <param name="folder">The tokenizer's folder.</param>
    /// <param name="defaultPad">The padding token where neither is there.</param>
    public static TokenizerSettings Load(string folder, string? defaultPad)
    {
        var files = Places(folder).Where(File.Exists).Select(JsonConfig.Load).ToArray();
        string? Token(string key) => files.Select(f => f.TokenText(key)).FirstOrDefault(t => t is not null);
        const string LengthKey = "model_max_length";
        var longest = files
            .Select(f => f.Number(LengthKey, 0, n => n >= 1, "a number of at least 1 is expected"))
            .FirstOrDefault(n => n > 0);
        return new()
        {
            Begin = Token("bos_token"),
            End = Token("eos_token"),
            Pad = Token("pad_token"),
            DefaultPad = files.Length == 0 ? defaultPad : null,
            Unknown = Token("unk_token"),
            // transformers writes 1e30 for "no limit".
            MaxLength = longest is > 0 and < LongestText ? (int)longest : null,
        };
    }

    /// <summary>The files, whether they are there or not.</summary>
    public static IEnumerable<string> Places(string folder) =>
        [Path.Combine(folder, "tokenizer_config.json"), Path.Combine(folder, "special_tokens_map.json")];
}
