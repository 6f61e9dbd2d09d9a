using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Writes the files of an artifact: the graph, the scheduler's config, and the model's config where there is one; each
/// where the source's layout has it.</summary>
internal static class ArtifactWriter
{
    public static IReadOnlyList<string> Write(OnnxModel model, DiffusionModel source, string folder)
    {
        var part = source.Layout?.DenoiserFolder ?? "";
        var path = Path.Combine(folder, part, ModelLayout.ModelFile);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        model.Save(path);
        var files = new List<string> { path };
        var data = path + ".data";
        if (File.Exists(data))
        {
            files.Add(data);
        }

        Copy(
            source.SchedulerConfigPath,
            part.Length == 0 ? "" : ModelLayout.SchedulerFolder,
            ModelLayout.SchedulerFile
        );
        Copy(source.ConfigPath, part, "config.json");
        return files;

        void Copy(string? from, string to, string name)
        {
            if (from is not null)
            {
                files.Add(CopyFile(from, Path.Combine(folder, to, name)));
            }
        }
    }

    /// <summary>Copies the files of a pipeline's other parts that an artifact has none of its own for.</summary>
    /// <returns>The copies.</returns>
    public static IReadOnlyList<string> CopyOtherParts(
        ModelLayout source,
        string folder,
        CancellationToken cancellation
    )
    {
        var copies = new List<string>();
        string[] made =
        [
            .. source
                .FindOtherNetworks()
                .Keys.Where(part => File.Exists(Path.Combine(folder, part, ModelLayout.ModelFile))),
        ];
        foreach (var name in source.FindOtherFiles())
        {
            cancellation.ThrowIfCancellationRequested();
            var copy = Path.Combine(folder, name);
            if (!File.Exists(copy) && !(made.Contains(name.Split('/')[0]) && IsOfGraph(name)))
            {
                copies.Add(CopyFile(Path.Combine(source.Root, name), copy));
            }
        }

        return copies;
    }

    /// <summary>Whether a file is a part's graph, or external data of one: all but its settings.</summary>
    private static bool IsOfGraph(string name) =>
        !name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
        && !name.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);

    /// <summary>Bytes of a model on disk: the graph's file and the files of its external data.</summary>
    public static long BytesOf(DiffusionModel source) =>
        source.Model.DataFiles.Prepend(source.ModelPath).Sum(f => new FileInfo(f).Length);

    private static string CopyFile(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        // Through streams, so that a source that may only be read does not make an artifact that cannot be removed.
        using var read = File.OpenRead(from);
        using var write = File.Create(to);
        read.CopyTo(write);
        return to;
    }
}
