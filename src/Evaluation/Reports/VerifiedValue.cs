namespace DiffusionQuant.Evaluation.Reports;

/// <summary>A metric's value in the verified snapshot, and how the measured one stands to it.</summary>
/// <param name="Metric">A name of <see cref="Metrics.MetricCatalog"/>.</param>
/// <param name="Value">The verified value, in the metric's unit.</param>
/// <param name="Tolerance">How much worse the measured value may be.</param>
/// <param name="IsRelative">Whether <paramref name="Tolerance"/> is a share of <paramref name="Value"/>.</param>
/// <param name="Verdict">The comparison's result.</param>
public sealed record VerifiedValue(
    string Metric,
    double Value,
    double Tolerance,
    bool IsRelative,
    VerifiedVerdict Verdict
);
