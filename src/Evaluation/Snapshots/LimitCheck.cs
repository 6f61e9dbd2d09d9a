using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Checks limits, and whether there are enough images to tell.</summary>
internal static class LimitCheck
{
    /// <summary>A margin of this many standard errors is beyond chance, nearly.</summary>
    public const double StandardErrors = 2;

    /// <summary>The number of images that FID is published with; who needs more has a limit at the value itself.</summary>
    public const int MostImages = 50_000;

    public static IEnumerable<QualityFinding> Of(EvaluationReport report, QualityLimits limits) =>
        limits.All.Select(l => Check(report, l)).OfType<QualityFinding>();

    private static QualityFinding? Check(EvaluationReport report, Limit limit)
    {
        if (report.Find(limit.Metric) is not { } metric)
        {
            return QualityErrors.LimitNotMeasured(report, limit);
        }

        var holds = limit.Definition.IsHigherBetter ? metric.Value >= limit.Value : metric.Value <= limit.Value;
        var margin = Math.Abs(metric.Value - limit.Value);
        if (limit.Setting is not null && metric.StandardError is { } error and > 0 && margin <= StandardErrors * error)
        {
            return QualityErrors.TooFewImages(report, limit, metric, holds, ImagesToTell(metric.Images, error, margin));
        }

        return holds ? null : QualityErrors.LimitBroken(report, limit, metric);
    }

    /// <summary>How many images bring two standard errors down to the margin: errors fall with the root of their number.</summary>
    /// <returns>Null where that is more than anybody generates.</returns>
    internal static int? ImagesToTell(int images, double standardError, double margin)
    {
        var ratio = StandardErrors * standardError / margin;
        var needed = images * ratio * ratio;
        // Also for a margin of 0, and for an error that is not finite.
        if (!(needed <= MostImages))
        {
            return null;
        }

        // The error is itself an estimate: two digits are as much as it knows.
        var unit = Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(Math.Max(needed, 1))) - 1));
        return Math.Max(images + 1, (int)(Math.Ceiling(needed / unit) * unit));
    }
}

/// <summary>A limit that is set.</summary>
/// <param name="Name">Its name in project files.</param>
/// <param name="Metric">The metric that it holds.</param>
/// <param name="Value">The largest or least value.</param>
/// <param name="Setting">The setting that makes the metric more precise; null where images do not matter.</param>
public sealed record Limit(string Name, string Metric, double Value, string? Setting)
{
    internal MetricDefinition Definition => MetricCatalog.Find(Metric);

    internal static Limit[] At(string name, string metric, double? value, string? setting) =>
        value is { } number ? [new(name, metric, number, setting)] : [];
}
