using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>A received measurement beside the verified one.</summary>
public sealed class SnapshotComparison
{
    private const double EnoughSqnr = 40;

    // Rounded to 0.1: of two neighbours either may be the same value.
    private const double RoundingOfLayers = 0.15;

    private SnapshotComparison(
        SnapshotMeasurement verified,
        SnapshotMeasurement received,
        IReadOnlyList<MetricChange> metrics,
        IReadOnlyList<LayerChange> layers
    ) => (Verified, Received, Metrics, Layers) = (verified, received, metrics, layers);

    /// <summary>What was accepted.</summary>
    public SnapshotMeasurement Verified { get; }

    /// <summary>What was measured now.</summary>
    public SnapshotMeasurement Received { get; }

    /// <summary>The metrics of both, in the order of <see cref="MetricCatalog.All"/>.</summary>
    public IReadOnlyList<MetricChange> Metrics { get; }

    /// <summary>Layers of both whose SQNR fell, the largest fall first.</summary>
    public IReadOnlyList<LayerChange> Layers { get; }

    /// <summary>Those of <see cref="Layers"/> that fell by more than the snapshot tolerates. What a layer has beyond
    /// <see cref="EnoughSqnr"/> dB does not count: its errors are lost in those of others.</summary>
    public IEnumerable<LayerChange> WorseLayers =>
        Layers.Where(l => Math.Min(l.Verified, EnoughSqnr) - l.Received > Verified.LayerTolerance + RoundingOfLayers);

    /// <summary>Compares.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3001: a setting differs on which values depend.</exception>
    public static SnapshotComparison Of(string model, SnapshotMeasurement verified, SnapshotMeasurement received)
    {
        ArgumentNullException.ThrowIfNull(verified);
        ArgumentNullException.ThrowIfNull(received);
        if (verified.FindDifference(received) is { } difference)
        {
            throw EvaluationErrors.IdentityMismatch(model, difference);
        }

        var changes = MetricCatalog
            .All.Select(d => (Definition: d, Before: verified.Find(d.Name), After: received.Find(d.Name)))
            .Where(m => m.Before is not null || m.After is not null)
            .Select(m => new MetricChange(m.Definition, verified.Label(m.Definition.Name), m.Before, m.After));
        var earlier = verified.Layers.ToDictionary(l => l.Name, l => l.Sqnr);
        var layers = received
            .Layers.Where(l => earlier.ContainsKey(l.Name))
            .Select(l => new LayerChange(l.Name, earlier[l.Name], l.Sqnr))
            .Where(l => l.Fall > RoundingOfLayers)
            .OrderByDescending(l => l.Fall);
        return new(verified, received, [.. changes], [.. layers]);
    }
}

/// <summary>A layer whose SQNR fell.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Verified">The verified SQNR in dB.</param>
/// <param name="Received">The received SQNR in dB.</param>
public sealed record LayerChange(string Name, double Verified, double Received)
{
    /// <summary>How many dB it fell.</summary>
    public double Fall => Verified == Received ? 0 : Verified - Received;
}
