using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Writes the files of an artifact: the graph, the scheduler's config, and the model's config where there is one.</summary>
internal static class ArtifactWriter
{
    /// <summary>The file that an app samples by.</summary>
    public const string SchedulerFileName = "scheduler_config.json";

    public static IReadOnlyList<string> Write(OnnxModel model, DiffusionModel source, string folder)
    {
        var path = Path.Combine(folder, Quantizer.ModelFileName);
        model.Save(path);
        var files = new List<string> { path };
        var data = path + ".data";
        if (File.Exists(data))
        {
            files.Add(data);
        }

        Copy(source.SchedulerConfigPath, SchedulerFileName);
        Copy(source.ConfigPath, "config.json");
        return files;

        void Copy(string? from, string name)
        {
            if (from is not null)
            {
                var to = Path.Combine(folder, name);
                // Written, not copied, so that a source that may only be read does not make an artifact that cannot be removed.
                File.WriteAllBytes(to, File.ReadAllBytes(from));
                files.Add(to);
            }
        }
    }

    /// <summary>Bytes of a model on disk: the graph's file and the files of its external data.</summary>
    public static long BytesOf(DiffusionModel source) =>
        source.Model.DataFiles.Prepend(source.ModelPath).Sum(f => new FileInfo(f).Length);
}
