using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>All that the report knows of one metric.</summary>
/// <param name="Definition">The metric.</param>
/// <param name="Label">Its name for people, with the extractor's.</param>
/// <param name="Measured">The model's value; null where only the snapshot has one.</param>
/// <param name="Float">The float model's; null where it has none.</param>
/// <param name="Verified">The snapshot's; null where it has none.</param>
internal sealed record MetricRow(
    MetricDefinition Definition,
    string Label,
    Metric? Measured,
    Metric? Float,
    VerifiedValue? Verified
)
{
    /// <summary>The rows of a report, in the catalogue's order.</summary>
    public static IReadOnlyList<MetricRow> Of(EvaluationReport report, ReportContext context)
    {
        var known = MetricCatalog.All.Select(m => m.Name);
        // A newer tool may have measured more: what it calls by a name of its own is still shown.
        var others = report
            .Metrics.Concat(report.FloatMetrics)
            .Select(m => m.Name)
            .Concat(context.Verified.Select(v => v.Metric))
            .Where(name => !MetricCatalog.Contains(name));
        return
        [
            .. known
                .Concat(others)
                .Distinct()
                .Select(name => Of(report, context, name))
                .Where(row => row is not { Measured: null, Float: null, Verified: null }),
        ];
    }

    /// <summary>The row of one metric.</summary>
    public static MetricRow Of(EvaluationReport report, ReportContext context, string name)
    {
        var isKnown = MetricCatalog.Contains(name);
        return new(
            isKnown
                ? MetricCatalog.Find(name)
                : new(name, name, MetricKind.Paired, true, "", 4, 0, false, "This tool does not know it."),
            isKnown ? report.Label(name) : name,
            report.Find(name),
            report.FindFloat(name),
            context.Verified.FirstOrDefault(v => v.Metric == name)
        );
    }
}
