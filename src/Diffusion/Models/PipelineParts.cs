using System.Text.RegularExpressions;

namespace DiffusionQuant.Diffusion;

/// <summary>The parts of a pipeline's folder besides the denoiser.</summary>
internal static partial class PipelineParts
{
    /// <summary>Whether there is a text encoder or a part of a VAE.</summary>
    public static bool HaveNetwork(string root) =>
        Directory
            .EnumerateDirectories(root)
            .Any(folder =>
                Network().IsMatch(Path.GetFileName(folder)) && Directory.GetFiles(folder, "*.onnx").Length > 0
            );

    /// <summary>The graphs of the parts that have one, <c>model.onnx</c> or the only one there is.</summary>
    public static IEnumerable<(string Part, string Path)> Networks(string root, string denoiserFolder) =>
        from folder in Folders(root, denoiserFolder)
        let usual = Path.Combine(folder, ModelLayout.ModelFile)
        let path = File.Exists(usual) ? usual
        : Directory.GetFiles(folder, "*.onnx") is [var only] ? only
        : null
        where path is not null
        select (Path.GetFileName(folder), path);

    /// <summary>All files that belong to the pipeline but the denoiser's, in a fixed order, relative with forward slashes.</summary>
    public static IEnumerable<string> Files(string root, string denoiserFolder)
    {
        var beside = Directory.GetFiles(root).Where(f => OfRoot().IsMatch(Path.GetFileName(f)));
        var inFolders = Folders(root, denoiserFolder)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(IsOurs);
        return beside
            .Concat(inFolders)
            .Select(f => Path.GetRelativePath(root, f).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>Whether a part's folder, or a file beside the parts, is called so.</summary>
    public static bool IsOfPipeline(string name) => Part().IsMatch(name) || OfRoot().IsMatch(name);

    private static IEnumerable<string> Folders(string root, string denoiserFolder) =>
        Directory
            .EnumerateDirectories(root)
            .Where(folder => Path.GetFileName(folder) != denoiserFolder && Part().IsMatch(Path.GetFileName(folder)));

    private static bool IsOurs(string file) =>
        Path.GetFileName(file) is var name && !name.StartsWith('.') && !OtherWeights().IsMatch(name);

    [GeneratedRegex("^(text_encoder|vae|image_encoder)")]
    private static partial Regex Network();

    [GeneratedRegex(
        "^(scheduler|feature_extractor|safety_checker|image_encoder|(tokenizer|text_encoder)(_[0-9])?|vae(_decoder|_encoder)?)$"
    )]
    private static partial Regex Part();

    // Optimum leaves a single tokenizer's files beside the parts.
    [GeneratedRegex(
        "^(model_index\\.json|tokenizer.*\\.json|vocab\\.json|merges\\.txt|spiece\\.model|special_tokens_map\\.json|added_tokens\\.json|(LICEN[CS]E|NOTICE|README)(\\..*)?)$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex OfRoot();

    // Weights of other frameworks, which a float pipeline often has beside the graphs. External data of a graph may end
    // with .bin too, but is not called so.
    [GeneratedRegex("(\\.(safetensors|msgpack|h5|ckpt|pth?|gguf)|_model[^/]*\\.bin)$", RegexOptions.IgnoreCase)]
    private static partial Regex OtherWeights();
}
