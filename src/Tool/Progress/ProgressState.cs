namespace DiffusionQuant.Tool.Progress;

/// <summary>How far the work is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Fraction">From 0 to 1.</param>
/// <param name="Detail">What exactly is being done, where that is known.</param>
/// <param name="Elapsed">Time since the start.</param>
/// <param name="Remaining">The estimate; null while too little is known.</param>
internal sealed record ProgressState(
    string Stage,
    double Fraction,
    string? Detail,
    TimeSpan Elapsed,
    TimeSpan? Remaining
)
{
    public int Percent => (int)(Fraction * 100);
}
