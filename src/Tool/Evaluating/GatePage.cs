using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.Evaluating;

/// <summary>The gate's verdict as the report shows it.</summary>
internal static class GatePage
{
    /// <summary>What the report says besides what was measured.</summary>
    public static ReportContext Context(QualityVerdict verdict, GateContext context) =>
        new()
        {
            Verified =
            [
                .. (verdict.Comparison?.Metrics ?? [])
                    .Where(m => m.Verified is not null)
                    .Select(m => new VerifiedValue(
                        m.Definition.Name,
                        m.Verified!.Value,
                        m.Tolerance,
                        IsRelative: false,
                        Verdict(m.Verdict)
                    )),
            ],
            VerifiedFile = verdict.Comparison is null ? null : Path.GetFileName(context.SnapshotPath),
            Failures =
            [
                .. verdict
                    .Findings.Where(f => f.Severity == QualitySeverity.Error && !IsShownByMetrics(f, verdict))
                    .Select(f => $"{f.Code}: {f.Message}"),
            ],
            AcceptCommand =
                verdict.HasChangeToAccept && context.SnapshotPath is { } path
                    ? SnapshotFiles.AcceptCommand(path)
                    : null,
        };

    /// <summary>What got worse than the snapshot stands at each metric already.</summary>
    private static bool IsShownByMetrics(QualityFinding finding, QualityVerdict verdict) =>
        finding.Code == "DQ2001" && verdict.Comparison is not null;

    private static VerifiedVerdict Verdict(MetricVerdict verdict) =>
        verdict switch
        {
            MetricVerdict.Worse => VerifiedVerdict.Worse,
            MetricVerdict.Better => VerifiedVerdict.Better,
            MetricVerdict.Same => VerifiedVerdict.Within,
            _ => VerifiedVerdict.NotCompared,
        };
}
