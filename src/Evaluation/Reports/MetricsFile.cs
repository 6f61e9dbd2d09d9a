using System.Text.Json;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>A <c>metrics.json</c> with the folder that its samples lie in.</summary>
/// <param name="Report">What it says.</param>
/// <param name="Folder">Its folder's full path.</param>
public sealed record MetricsFile(EvaluationReport Report, string Folder)
{
    private const int KnownFormat = 1;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, or the folder that holds a <c>metrics.json</c>.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3070: there is none; DQ3071: it is not readable.</exception>
    public static MetricsFile Load(string path)
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? Path.Combine(path, EvaluationReport.FileName) : path);
        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ReportErrors.NoMetrics(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ReportErrors.BadMetrics(file, e.Message, e);
        }

        return new(Parse(file, text), Path.GetDirectoryName(file)!);
    }

    private static EvaluationReport Parse(string file, string text)
    {
        EvaluationReport report;
        try
        {
            report = EvaluationReport.Parse(text);
        }
        catch (JsonException e)
        {
            throw ReportErrors.BadMetrics(file, e.Message, e);
        }

        if (report.Format != KnownFormat)
        {
            throw ReportErrors.BadMetrics(
                file,
                $"its format is {report.Format}, and this tool knows {KnownFormat} only."
            );
        }

        return FindHole(report) is { } hole
            ? throw ReportErrors.BadMetrics(file, $"'{hole}' is missing or null where it must not be.")
            : report;
    }

    /// <summary>The first value that the types promise and a file may lack all the same.</summary>
    private static string? FindHole(EvaluationReport report) =>
        report.ToolVersion is null ? "toolVersion"
        : report.RuntimeVersion is null ? "runtimeVersion"
        : report.Device is null ? "device"
        : report.Model is not { Name: not null, Sha256: not null } ? "model"
        : report.Float is { Name: null } or { Sha256: null } ? "float"
        : report.Sampling is not { Sampler: not null, TimestepsSha256: not null } ? "sampling"
        : report.Extractor is { Name: null } or { Sha256: null } ? "extractor"
        : report.Reference is { Name: null } or { Sha256: null } ? "reference"
        : HasHole(report.Metrics, m => m?.Name) ? "metrics"
        : HasHole(report.FloatMetrics, m => m?.Name) ? "floatMetrics"
        : HasHole(report.Timesteps, t => t) ? "timesteps"
        : HasHole(report.Layers, l => l?.Name) || HasHole(report.Layers, l => l?.Operator) ? "layers"
        : report.Size is { } size && HasHole(size.Parts, p => p?.Name) ? "size"
        : HasHole(report.Samples, s => s?.Float) || HasHole(report.Samples, s => s?.Quantized) ? "samples"
        : HasHole(report.Notes, n => n) ? "notes"
        : null;

    private static bool HasHole<T>(IReadOnlyList<T>? items, Func<T, object?> needed) =>
        items is null || items.Any(i => needed(i) is null);
}
