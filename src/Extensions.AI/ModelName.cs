namespace DiffusionQuant.Extensions.AI;

/// <summary>What a model is called whose files lie at a path.</summary>
internal static class ModelName
{
    // Names of files and folders that every model has.
    private static readonly string[] Parts = ["model.onnx", "unet", "transformer"];

    /// <summary>The last name of the path that is the model's own, without the ending of a file; null for none.</summary>
    public static string? Of(string path)
    {
        for (
            var rest = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
            Path.GetFileName(rest) is { Length: > 0 } name;
            rest = Path.GetDirectoryName(rest)!
        )
        {
            if (!Parts.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                return name.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)
                    ? Path.GetFileNameWithoutExtension(name)
                    : name;
            }
        }

        return null;
    }
}
