using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Limits against the float model of the same run; null for none.</summary>
/// <param name="MaxFidIncrease">How much larger FID may be than the float model's.</param>
/// <param name="MinPsnr">The least PSNR of the final images in dB.</param>
/// <param name="MaxSizeRatio">The largest ratio of bytes to the float model's.</param>
/// <param name="MinSpeedup">The least ratio of the float model's time per step to this model's.</param>
/// <param name="MinSqnrDb">The least SQNR of the network's output on the same x_t in dB.</param>
public sealed record QualityLimits(
    double? MaxFidIncrease = null,
    double? MinPsnr = null,
    double? MaxSizeRatio = null,
    double? MinSpeedup = null,
    double? MinSqnrDb = null
)
{
    /// <summary>Whether there is none.</summary>
    public bool AreNone => !All.Any();

    /// <summary>The limits that are set.</summary>
    internal IEnumerable<Limit> All =>
        [
            .. Quality,
            .. Limit.At("MaxSizeRatio", MetricCatalog.SizeRatio, MaxSizeRatio, null),
            .. Limit.At("MinSpeedup", MetricCatalog.Speedup, MinSpeedup, null),
        ];

    /// <summary>Those of them that more bits can make hold.</summary>
    public IEnumerable<Limit> Quality =>
        [
            .. Limit.At("MaxFidIncrease", MetricCatalog.FidIncrease, MaxFidIncrease, "EvaluationImages (--images)"),
            .. Limit.At("MinPsnr", MetricCatalog.Psnr, MinPsnr, "PairedImages (--paired-images)"),
            .. Limit.At("MinSqnrDb", MetricCatalog.NoiseSqnr, MinSqnrDb, "PairedImages (--paired-images)"),
        ];
}

/// <summary>What messages of the gate point at.</summary>
/// <param name="SnapshotPath">The verified file; null where nothing is verified and only limits hold.</param>
/// <param name="AcceptCommand">The command that accepts the received file; null for that of
/// <paramref name="SnapshotPath"/>.</param>
/// <param name="ReportPath">The report to look at; null where none was written.</param>
public sealed record GateContext(string? SnapshotPath, string? AcceptCommand = null, string? ReportPath = null)
{
    /// <summary>The received file; null where nothing is verified.</summary>
    public string? ReceivedPath => SnapshotPath is null ? null : SnapshotFiles.ReceivedPath(SnapshotPath);

    internal string Accept => AcceptCommand ?? SnapshotFiles.AcceptCommand(SnapshotPath ?? "");
}
