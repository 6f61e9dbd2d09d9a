namespace DiffusionQuant.Evaluation.Features;

/// <summary>How a reference is made of images.</summary>
public sealed record ReferenceOptions
{
    /// <summary>As the ADM evaluator: 10 000 rows for precision and recall.</summary>
    public static ReferenceOptions Default { get; } = new();

    /// <summary>How many feature rows are kept for KID, precision and recall; 0 for none.</summary>
    public int ReservoirSize { get; init; } = 10_000;

    /// <summary>How many images are in memory at once.</summary>
    public int BatchSize { get; init; } = 256;
}
