using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Decides whether an evaluation is good enough: against the snapshot, and against limits.</summary>
public static class QualityGate
{
    /// <summary>Checks an evaluation.</summary>
    /// <param name="report">The evaluation.</param>
    /// <param name="snapshot">The verified snapshot; null where there is none.</param>
    /// <param name="limits">Limits against the float model of the same run.</param>
    /// <param name="context">What messages point at; without a path of a snapshot only limits are checked.</param>
    public static QualityVerdict Check(
        EvaluationReport report,
        MetricsSnapshot? snapshot,
        QualityLimits limits,
        GateContext context
    )
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(context);
        var findings = new List<QualityFinding>();
        SnapshotComparison? comparison = null;
        var hasChange = false;
        if (context.SnapshotPath is not null)
        {
            (comparison, hasChange) = CheckSnapshot(report, snapshot, context, findings);
        }

        if (report.OtherSchedule is not null)
        {
            findings.Add(QualityErrors.OtherSchedule(report));
        }

        findings.AddRange(LimitCheck.Of(report, limits));
        return new([.. findings.OrderBy(f => f.Severity)], comparison, hasChange);
    }

    private static (SnapshotComparison? Comparison, bool HasChange) CheckSnapshot(
        EvaluationReport report,
        MetricsSnapshot? snapshot,
        GateContext context,
        List<QualityFinding> findings
    )
    {
        if (snapshot is null or { Measurements: [] })
        {
            findings.Add(QualityErrors.NoSnapshot(report.Model.Name, context));
            return (null, true);
        }

        SnapshotMeasurement? verified;
        try
        {
            verified = snapshot.FindMeasurement(report);
        }
        catch (DiffusionQuantException e)
        {
            findings.Add(new(e.Code, QualitySeverity.Error, $"{e.Message} If the change is meant: {context.Accept}"));
            return (null, true);
        }

        var received = SnapshotMeasurement.Of(report);
        if (verified is null)
        {
            findings.Add(QualityErrors.NoMeasurement(report, received, snapshot, context));
            return (null, true);
        }

        var comparison = SnapshotComparison.Of(report.Model.Name, verified, received);
        var worse = Of(MetricVerdict.Worse).OrderByDescending(c => c.Severity).ToArray();
        var missing = Of(MetricVerdict.Missing).ToArray();
        var better = Of(MetricVerdict.Better).OrderBy(c => c.Severity).ToArray();
        var hasWorseLayers = comparison.WorseLayers.Concat(comparison.WorseWeights).Any();
        if (worse.Length > 0 || hasWorseLayers)
        {
            findings.Add(QualityErrors.Drift(report.Model.Name, worse, comparison, context));
        }

        if (missing.Length > 0)
        {
            findings.Add(QualityErrors.Missing(report, missing, context));
        }

        if (better.Length > 0)
        {
            var suggestsAccepting = worse.Length == 0 && missing.Length == 0 && !hasWorseLayers;
            findings.Add(QualityErrors.Better(report.Model.Name, better, suggestsAccepting ? context.Accept : null));
        }

        return (comparison, hasWorseLayers || worse.Length + missing.Length + better.Length > 0);

        IEnumerable<MetricChange> Of(MetricVerdict verdict) => comparison.Metrics.Where(c => c.Verdict == verdict);
    }
}
