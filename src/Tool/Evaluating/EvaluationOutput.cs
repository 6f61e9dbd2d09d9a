using DiffusionQuant.Evaluation;
using DiffusionQuant.Tool.Caching;

namespace DiffusionQuant.Tool.Evaluating;

/// <summary>Where an evaluation's files go: a folder, or a file of it that is named.</summary>
internal sealed class EvaluationOutput
{
    private const string PageFile = "report.html";
    private const string Json = ".json";

    /// <summary>Reads what the user named.</summary>
    /// <param name="path">A folder, or <c>metrics.json</c> in one.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1122: it cannot be written. DQ1130: it is a file of another name.</exception>
    public EvaluationOutput(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (full.EndsWith(Json, StringComparison.OrdinalIgnoreCase))
        {
            Folder =
                Path.GetFileName(full) == EvaluationReport.FileName
                    ? Path.GetDirectoryName(full)!
                    : throw ToolErrors.NotMetricsName(path, EvaluationReport.FileName);
        }
        else
        {
            Folder = full;
        }

        Folders.CheckWritable(Folder);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The metrics.json.</summary>
    public string Metrics => Path.Combine(Folder, EvaluationReport.FileName);

    /// <summary>The report.</summary>
    public string Page => Path.Combine(Folder, PageFile);

    /// <summary>Where a killed run leaves what it had.</summary>
    public string Work(string key) => Path.Combine(Folder, $".work-{key[..12]}");
}
