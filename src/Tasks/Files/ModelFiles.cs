namespace DiffusionQuant.Build.Files;

/// <summary>Which files make up a model.</summary>
internal static class ModelFiles
{
    private static readonly string[] DataExtensions = [".data", ".onnx_data", ".bin", ".pb", ".weights"];
    private const string Scheduler = "scheduler_config.json";

    // Beside the model and called after it, but written about it.
    private static readonly string[] Snapshots = [".metrics.verified.json", ".metrics.received.json"];
    private static readonly string[] Descriptions = [Scheduler, "model_index.json", "config.json"];

    /// <summary>
    /// All files below a model's folder, except the snapshots of its metrics. For a single <c>.onnx</c> file: that file and the neighbours that can belong to
    /// it (external data, the scheduler's description, also that of a diffusers layout the file lies in), but not another
    /// model's nor the rest of the folder, which may be a whole project. In a stable order.
    /// </summary>
    public static IReadOnlyList<FileInfo> Of(string path)
    {
        if (Directory.Exists(path))
        {
            return Sorted(new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories));
        }

        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return [];
        }

        var neighbours = file.Directory!.EnumerateFiles().Where(f => f.Name != file.Name).ToList();
        var otherModels = neighbours.Where(IsModel).Select(f => Stem(f) + ".").ToList();
        return Sorted(
            neighbours
                .Where(f =>
                    !IsModel(f) && !otherModels.Any(other => f.Name.StartsWith(other, StringComparison.Ordinal))
                )
                .Where(f => IsPart(f, Stem(file) + "."))
                .Concat(Schedulers(file.Directory))
                .Append(file)
        );
    }

    /// <summary><c>scheduler/scheduler_config.json</c> beside the file's folder or up to two above it.</summary>
    private static IEnumerable<FileInfo> Schedulers(DirectoryInfo folder) =>
        new[] { folder, folder.Parent, folder.Parent?.Parent }
            .OfType<DirectoryInfo>()
            .Select(parent => new FileInfo(Path.Combine(parent.FullName, "scheduler", Scheduler)))
            .Where(scheduler => scheduler.Exists);

    private static bool IsModel(FileInfo file) => file.Extension.Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    private static bool IsPart(FileInfo file, string prefix) =>
        file.Name.StartsWith(prefix, StringComparison.Ordinal)
        || DataExtensions.Contains(file.Extension, StringComparer.OrdinalIgnoreCase)
        || Descriptions.Contains(file.Name, StringComparer.OrdinalIgnoreCase);

    private static string Stem(FileInfo file) => Path.GetFileNameWithoutExtension(file.Name);

    private static bool IsSnapshot(FileInfo file) =>
        Snapshots.Any(ending => file.Name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static List<FileInfo> Sorted(IEnumerable<FileInfo> files) =>
        files.Where(f => !IsSnapshot(f)).OrderBy(f => f.FullName, StringComparer.Ordinal).ToList();
}
