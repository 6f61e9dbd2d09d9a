using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>A received measurement beside the verified one.</summary>
public sealed class SnapshotComparison
{
    private const double EnoughSqnr = 40;

    // Weights of 8 bits have 40 to 50 dB.
    private const double EnoughWeightSqnr = 50;

    // Rounded to 0.1: of two neighbours either may be the same value.
    private const double RoundingOfLayers = 0.15;

    private SnapshotComparison(
        SnapshotMeasurement verified,
        SnapshotMeasurement received,
        IReadOnlyList<MetricChange> metrics,
        IReadOnlyList<LayerChange> layers,
        IReadOnlyList<LayerChange> weights
    ) => (Verified, Received, Metrics, Layers, Weights) = (verified, received, metrics, layers, weights);

    /// <summary>What was accepted.</summary>
    public SnapshotMeasurement Verified { get; }

    /// <summary>What was measured now.</summary>
    public SnapshotMeasurement Received { get; }

    /// <summary>The metrics of both, in the order of <see cref="MetricCatalog.All"/>.</summary>
    public IReadOnlyList<MetricChange> Metrics { get; }

    /// <summary>Layers of both whose output's SQNR fell, the largest fall first.</summary>
    public IReadOnlyList<LayerChange> Layers { get; }

    /// <summary>Layers of both whose stored weights' SQNR fell, the largest fall first.</summary>
    public IReadOnlyList<LayerChange> Weights { get; }

    /// <summary>Those of <see cref="Layers"/> that fell by more than the snapshot tolerates. What a layer has beyond
    /// <see cref="EnoughSqnr"/> dB does not count: its errors are lost in those of others.</summary>
    public IEnumerable<LayerChange> WorseLayers => Beyond(Layers, EnoughSqnr, Verified.LayerTolerance);

    /// <summary>Those of <see cref="Weights"/> that fell by more than the snapshot tolerates.</summary>
    public IEnumerable<LayerChange> WorseWeights => Beyond(Weights, EnoughWeightSqnr, Verified.WeightTolerance);

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
        return new(
            verified,
            received,
            [.. changes],
            Fallen(verified.Layers, received.Layers),
            Fallen(verified.Weights, received.Weights)
        );
    }

    private static IReadOnlyList<LayerChange> Fallen(
        IReadOnlyList<SnapshotLayer> verified,
        IReadOnlyList<SnapshotLayer> received
    )
    {
        var earlier = verified.ToDictionary(l => l.Name, l => l.Sqnr);
        return
        [
            .. received
                .Where(l => earlier.ContainsKey(l.Name))
                .Select(l => new LayerChange(l.Name, earlier[l.Name], l.Sqnr))
                .Where(l => l.Fall > RoundingOfLayers)
                .OrderByDescending(l => l.Fall),
        ];
    }

    private static IEnumerable<LayerChange> Beyond(
        IReadOnlyList<LayerChange> fallen,
        double enough,
        double tolerance
    ) => fallen.Where(l => Math.Min(l.Verified, enough) - l.Received > tolerance + RoundingOfLayers);
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
