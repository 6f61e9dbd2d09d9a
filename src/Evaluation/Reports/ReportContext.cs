namespace DiffusionQuant.Evaluation.Reports;

/// <summary>What a report says beyond what was measured.</summary>
public sealed record ReportContext
{
    /// <summary>The verified snapshot's values; empty when there is none.</summary>
    public IReadOnlyList<VerifiedValue> Verified { get; init; } = [];

    /// <summary>The snapshot's file, as people know it; null when there is none.</summary>
    public string? VerifiedFile { get; init; }

    /// <summary>What else fails, such as a limit of the project file that is broken: a sentence each, with its code.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>The command that makes the measured values the verified ones; null when there is nothing to accept.</summary>
    public string? AcceptCommand { get; init; }

    /// <summary>Whether anything was compared or checked.</summary>
    public bool IsVerified => Verified.Count > 0 || Failures.Count > 0;

    /// <summary>Whether something got worse than it may be.</summary>
    public bool HasFailed => Failures.Count > 0 || Verified.Any(v => v.Verdict == VerifiedVerdict.Worse);
}
