using System.Text.Json.Serialization;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.Review;

/// <summary>What acceptance would change in a snapshot.</summary>
/// <param name="Verified">The verified file.</param>
/// <param name="IsNew">Whether there is none yet.</param>
/// <param name="Model">What people call the model.</param>
/// <param name="Measurements">The measurements that would change or be added.</param>
internal sealed record SnapshotReview(
    string Verified,
    bool IsNew,
    string Model,
    IReadOnlyList<MeasurementReview> Measurements
)
{
    /// <summary>Reads a received file and its verified one.</summary>
    public static SnapshotReview Of(string receivedPath)
    {
        var verifiedPath = SnapshotFiles.VerifiedPath(receivedPath);
        var verified = File.Exists(verifiedPath) ? MetricsSnapshot.Load(verifiedPath) : null;
        return Of(verifiedPath, verified, MetricsSnapshot.Load(receivedPath));
    }

    public static SnapshotReview Of(string verifiedPath, MetricsSnapshot? verified, MetricsSnapshot received)
    {
        var measurements = received
            .Measurements.Select(after =>
                (
                    Before: verified?.Measurements.FirstOrDefault(before =>
                        before.PairedImages == after.PairedImages
                        && before.DistributionImages == after.DistributionImages
                    ),
                    After: after
                )
            )
            .Where(m => m.Before is null || Text(received, m.Before) != Text(received, m.After))
            .Select(m => MeasurementReview.Of(received.Model, m.Before, m.After));
        return new(verifiedPath, verified is null, received.Model, [.. measurements]);
    }

    /// <summary>Lists have no equality of their own; what is written alike is alike.</summary>
    private static string Text(MetricsSnapshot of, SnapshotMeasurement measurement) =>
        (of with { Measurements = [measurement] }).ToJson();
}

/// <summary>What acceptance would change in a measurement.</summary>
/// <param name="PairedImages">Images of paired metrics.</param>
/// <param name="DistributionImages">Images of distribution metrics.</param>
/// <param name="Incomparable">The setting in which the two differ, so that they may not be compared; null where they may.</param>
/// <param name="Changed">What else changed: <c>quantization W4A8 mse -> W3A4 minmax</c>.</param>
/// <param name="Metrics">The metrics.</param>
/// <param name="Layers">Layers whose SQNR fell, the largest fall first; before them those whose weights are worse.</param>
internal sealed record MeasurementReview(
    int PairedImages,
    int DistributionImages,
    string? Incomparable,
    IReadOnlyList<string> Changed,
    IReadOnlyList<MetricReview> Metrics,
    IReadOnlyList<LayerReview> Layers
)
{
    public static MeasurementReview Of(string model, SnapshotMeasurement? before, SnapshotMeasurement after)
    {
        var incomparable = before?.FindDifference(after);
        if (before is null || incomparable is not null)
        {
            // Nothing is set against values that were measured in another way.
            var all = after.Metrics.Select(m => MetricReview.New(after, m));
            return new(after.PairedImages, after.DistributionImages, incomparable, [], [.. all], []);
        }

        var comparison = SnapshotComparison.Of(model, before, after);
        return new(
            after.PairedImages,
            after.DistributionImages,
            null,
            [.. before.Provenance.ChangesTo(after.Provenance)],
            [.. comparison.Metrics.Select(MetricReview.Of)],
            [
                .. comparison.WorseWeights.Select(l => new LayerReview($"{l.Name} (weights)", l.Verified, l.Received)),
                .. comparison.Layers.Select(l => new LayerReview(l.Name, l.Verified, l.Received)),
            ]
        );
    }
}

/// <summary>A metric before and after acceptance.</summary>
/// <param name="Name">Its name in JSON.</param>
/// <param name="Label">Its title for people.</param>
/// <param name="Verified">The verified value; null where there is none.</param>
/// <param name="Received">The received value; null where it was not measured.</param>
/// <param name="Change">Received less verified; null where one of them is missing.</param>
/// <param name="Tolerance"><c>0.5</c> or <c>3%</c>, as it would be after acceptance.</param>
/// <param name="Verdict"><c>same</c>, <c>better</c>, <c>worse</c>, <c>new</c> or <c>missing</c>.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed record MetricReview(
    string Name,
    string Label,
    double? Verified,
    double? Received,
    double? Change,
    string Tolerance,
    string Verdict
)
{
    public static MetricReview Of(MetricChange change) =>
        new(
            change.Definition.Name,
            change.Label,
            change.Verified?.Value,
            change.Received?.Value,
            change is { Verified.Value: var before, Received.Value: var after }
                ? MetricRounding.Round(change.Definition, after.Equals(before) ? 0 : after - before)
                : null,
            (change.Verified ?? change.Received)!.Tolerance.ToString(),
            change.Verdict.ToString().ToLowerInvariant()
        );

    public static MetricReview New(SnapshotMeasurement of, SnapshotMetric metric) =>
        new(metric.Name, of.Label(metric.Name), null, metric.Value, null, metric.Tolerance.ToString(), "new");
}

/// <summary>A layer's SQNR in dB before and after acceptance.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed record LayerReview(string Name, double Verified, double Received);
