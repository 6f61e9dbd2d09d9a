using System.Globalization;
using System.Text;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;

namespace DiffusionQuant.Build.Files;

/// <summary>
/// The text of a model's <c>.inputs</c> files: every option, the tool, and each file that is read with its size and time.
/// With all of it in one file, MSBuild's comparison of times also sees an option that changed, a file that went away
/// and a file that was replaced by an older one. Contents are not hashed here; the tool does that, once.
/// </summary>
internal static class FreshnessKey
{
    /// <summary>All that decides the quantized model.</summary>
    public static string OfModel(ModelItem model, string toolPath, string? cacheDirectory, string? cudaPath)
    {
        var text = Start(ToolArguments.Recipe(model), toolPath, cacheDirectory, cudaPath);
        if (model.Recipe is not null)
        {
            Append(text, "recipe", new FileInfo(model.Recipe));
        }

        AppendPath(text, model.Conditioning);
        AppendPath(text, model.TrainingData);
        foreach (var metadata in model.Fallback ? new[] { "Extractor", "Reference" } : [])
        {
            AppendPath(text, model.PathOrName(metadata));
        }

        foreach (var file in ModelFiles.Of(model.Path).Where(file => file.FullName != model.Snapshot))
        {
            Append(text, "file", file);
        }

        return text.ToString();
    }

    /// <summary>All that decides the evaluation, besides the quantized model itself.</summary>
    public static string OfEvaluation(
        ModelItem model,
        ModelEvaluation evaluation,
        string toolPath,
        string? cacheDirectory,
        string? cudaPath
    )
    {
        var text = Start(ToolArguments.Checks(model, evaluation), toolPath, cacheDirectory, cudaPath);
        if (evaluation.Snapshot is not null)
        {
            Append(text, "snapshot", new FileInfo(evaluation.Snapshot));
        }

        foreach (var path in new[] { evaluation.Extractor, evaluation.Reference, model.Conditioning })
        {
            AppendPath(text, path);
        }

        return text.ToString();
    }

    private static StringBuilder Start(
        IEnumerable<string> arguments,
        string toolPath,
        string? cacheDirectory,
        string? cudaPath
    )
    {
        var text = new StringBuilder();
        foreach (var argument in arguments)
        {
            text.Append("argument ").Append(argument).Append('\n');
        }

        text.Append("cache ").Append(cacheDirectory).Append('\n');
        text.Append("cuda ").Append(cudaPath).Append('\n');
        Append(text, "tool", new FileInfo(toolPath));
        return text;
    }

    /// <summary>A file or a folder; nothing for a name that is neither.</summary>
    private static void AppendPath(StringBuilder text, string? path)
    {
        if (Directory.Exists(path))
        {
            AppendFolder(text, path!);
        }
        else if (File.Exists(path))
        {
            Append(text, "file", new FileInfo(path!));
        }
    }

    private static void Append(StringBuilder text, string kind, FileInfo file)
    {
        var state = file.Exists
            ? string.Format(CultureInfo.InvariantCulture, "{0} {1:O}", file.Length, file.LastWriteTimeUtc)
            : "missing";
        text.Append(kind).Append(' ').Append(file.FullName).Append(' ').Append(state).Append('\n');
    }

    /// <summary>One line for a folder of images, which may be very many: any file that changes changes the sums.</summary>
    private static void AppendFolder(StringBuilder text, string folder)
    {
        var (count, length, time) = (0, 0L, 0L);
        foreach (var file in FileList.Under(folder))
        {
            count++;
            length += file.Length;
            time = unchecked(time + file.LastWriteTimeUtc.Ticks);
        }

        var sums = string.Format(CultureInfo.InvariantCulture, "{0} {1} {2}", count, length, time);
        text.Append("folder ").Append(folder).Append(' ').Append(sums).Append('\n');
    }
}
