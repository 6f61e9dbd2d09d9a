using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>How much a finding matters.</summary>
public enum QualitySeverity
{
    /// <summary>The build fails.</summary>
    Error,

    /// <summary>The build passes, and somebody should look.</summary>
    Warning,

    /// <summary>Good to know.</summary>
    Note,
}

/// <summary>What the gate has to say about one matter.</summary>
/// <param name="Code">The diagnostic code.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Message">What, why and what to do, in one line of plain text.</param>
/// <param name="Metric">The metric it is about (the first one, where it is about several); null where it is about none.</param>
public sealed record QualityFinding(string Code, QualitySeverity Severity, string Message, string? Metric = null)
{
    /// <summary>The finding as an exception, for places that report those.</summary>
    public DiffusionQuantException ToException() => new(Code, Message);
}

/// <summary>What the gate found.</summary>
/// <param name="Findings">The findings, errors first.</param>
/// <param name="Comparison">The comparison with the snapshot; null where there was none.</param>
/// <param name="HasChangeToAccept">Whether the snapshot would change for the better by acceptance, or must be accepted for
/// verification to pass.</param>
public sealed record QualityVerdict(
    IReadOnlyList<QualityFinding> Findings,
    SnapshotComparison? Comparison,
    bool HasChangeToAccept
)
{
    /// <summary>Whether the build may go on.</summary>
    public bool Passes => Findings.All(f => f.Severity != QualitySeverity.Error);
}
