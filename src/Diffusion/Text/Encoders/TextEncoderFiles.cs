namespace DiffusionQuant.Diffusion;

/// <summary>Where a model folder's text encoders and tokenizers lie.</summary>
internal static class TextEncoderFiles
{
    private const int Most = 3;

    /// <summary>The text encoders that are there, with their tokenizers.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1061 to DQ1064: one cannot be used.</exception>
    public static IReadOnlyList<TextEncoder> Load(string folder, PromptEncoderOptions options) =>
        [.. Models(folder).Select(found => Load(folder, found.Suffix, found.Path, options))];

    /// <summary>All files that decide what they give, whether they are there or not.</summary>
    public static IEnumerable<string> Places(string folder)
    {
        yield return ModelIndex(folder);
        foreach (var (suffix, path) in Models(folder))
        {
            yield return path;
            yield return Path.Combine(Path.GetDirectoryName(path)!, "config.json");
            foreach (var file in TokenizerFiles.Places(TokenizerFolder(folder, suffix)))
            {
                yield return file;
            }
        }
    }

    public static string ModelIndex(string folder) => Path.Combine(folder, "model_index.json");

    /// <summary>Whether there is one.</summary>
    public static bool Exist(string folder) => Models(folder).Any();

    private static IEnumerable<(string Suffix, string Path)> Models(string folder) =>
        from number in Enumerable.Range(1, Most)
        let suffix = number == 1 ? "" : $"_{number}"
        let part = Path.Combine(folder, "text_encoder" + suffix)
        let path = Path.Combine(part, "model.onnx")
        let only = File.Exists(path) || !Directory.Exists(part) ? path : OnlyModel(part)
        where only is not null && File.Exists(only)
        select (suffix, only);

    private static string? OnlyModel(string part) => Directory.GetFiles(part, "*.onnx") is [var only] ? only : null;

    /// <summary>Optimum leaves a single tokenizer's files beside the parts.</summary>
    private static string TokenizerFolder(string folder, string suffix)
    {
        var own = Path.Combine(folder, "tokenizer" + suffix);
        return suffix.Length == 0 && !Directory.Exists(own) && TokenizerFiles.Exist(folder) ? folder : own;
    }

    private static TextEncoder Load(string folder, string suffix, string path, PromptEncoderOptions options)
    {
        var graph = TextEncoderGraph.Load(path);
        // OpenCLIP's models (Stable Diffusion 2, SDXL's second) are filled up with "!", OpenAI's with the end token.
        const int OpenClipWidth = 1024;
        var defaultPad = suffix.Length > 0 || graph.Width == OpenClipWidth ? "!" : null;
        var tokenizer = TokenizerFiles.Load(TokenizerFolder(folder, suffix), path, defaultPad);
        return new("text_encoder" + suffix, graph, tokenizer, options);
    }
}
