using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Benchmarks;

/// <summary>What the gate says of a case, and what its rule said before variation was measured.</summary>
internal static class StabilityVerdict
{
    private static readonly GateContext Context = new("metrics.verified.json");

    /// <summary>How much worse a metric might be until then: in its unit, or as a share; half a standard error where that is more.</summary>
    private static readonly Dictionary<string, (double Amount, bool IsShare)> Former = new()
    {
        [MetricCatalog.Psnr] = (0.5, false),
        [MetricCatalog.Ssim] = (0.01, false),
        [MetricCatalog.NoiseSqnr] = (0.5, false),
        [MetricCatalog.NoiseError] = (0.1, true),
        [MetricCatalog.Fid] = (0.03, true),
        [MetricCatalog.FidIncrease] = (0.2, false),
        [MetricCatalog.SpatialFid] = (0.03, true),
        [MetricCatalog.Kid] = (0.1, true),
        [MetricCatalog.InceptionScore] = (0.03, true),
        [MetricCatalog.Precision] = (0.02, false),
        [MetricCatalog.Recall] = (0.02, false),
        [MetricCatalog.FidToFloat] = (0.1, true),
        [MetricCatalog.SizeRatio] = (0.01, true),
    };

    /// <summary>Whether the gate fails a report that is held against a verified one at tolerances that nobody has chosen.</summary>
    public static bool Fails(EvaluationReport verified, EvaluationReport received) => Errors(verified, received).Any();

    /// <summary>Why it does.</summary>
    public static IEnumerable<string> Errors(EvaluationReport verified, EvaluationReport received) =>
        QualityGate
            .Check(received, MetricsSnapshot.Of(MeasuredAs(verified, received)), new(), Context)
            .Findings.Where(f => f.Severity == QualitySeverity.Error)
            .Select(f => f.Message);

    /// <summary>How one metric changed.</summary>
    public static MetricChange ChangeOf(EvaluationReport verified, EvaluationReport received, string metric) =>
        new(
            MetricCatalog.Find(metric),
            metric,
            SnapshotMeasurement.Of(verified).Find(metric),
            SnapshotMeasurement.Of(received).Find(metric)
        );

    /// <summary>What the former rule would have failed.</summary>
    public static bool FormerlyFails(EvaluationReport verified, EvaluationReport received) =>
        received.Metrics.Any(m =>
            verified.Find(m.Name) is { } before
            && Former.TryGetValue(m.Name, out var allowed)
            && (MetricCatalog.Find(m.Name).IsHigherBetter ? before.Value - m.Value : m.Value - before.Value)
                > Math.Max(
                    allowed.IsShare ? allowed.Amount * Math.Abs(before.Value) : allowed.Amount,
                    0.5 * (before.StandardError ?? 0)
                )
        );

    /// <summary>The verified report with those metrics alone that were measured of the other too: a case that paired metrics
    /// have decided has no others.</summary>
    private static EvaluationReport MeasuredAs(EvaluationReport verified, EvaluationReport received) =>
        received.Extractor is not null
            ? verified
            : verified with
            {
                Extractor = null,
                Reference = null,
                Metrics =
                [
                    .. verified.Metrics.Where(m =>
                        MetricCatalog.Find(m.Name).Kind
                            is not (MetricKind.Distribution or MetricKind.DistributionToFloat)
                    ),
                ],
            };
}
