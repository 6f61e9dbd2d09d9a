namespace DiffusionQuant.Tool.Progress;

/// <summary>
/// Estimates the time left from the pace so far. Where the fraction falls back (it was a stage's, and the next stage
/// began), the pace is measured anew from there.
/// </summary>
internal sealed class ProgressEstimator(TimeProvider time)
{
    /// <summary>Sooner than this, start-up distorts the pace too much.</summary>
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(3);
    private readonly long start = time.GetTimestamp();
    private long paceStart = time.GetTimestamp();
    private double paceFraction;
    private double last;

    public ProgressState Next(string stage, double fraction, string? detail)
    {
        fraction = double.IsNaN(fraction) ? last : Math.Clamp(fraction, 0, 1);
        if (fraction < last)
        {
            (paceStart, paceFraction) = (time.GetTimestamp(), fraction);
        }

        last = fraction;
        return new(stage, fraction, detail, time.GetElapsedTime(start), Remaining(fraction));
    }

    private TimeSpan? Remaining(double fraction)
    {
        var elapsed = time.GetElapsedTime(paceStart);
        var done = fraction - paceFraction;
        return done > 0.005 && elapsed >= Warmup ? elapsed * ((1 - fraction) / done) : null;
    }
}
