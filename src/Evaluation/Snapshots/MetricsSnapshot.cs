using System.Text;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>What <c>NAME.metrics.verified.json</c> says: the quality that somebody has looked at and accepted.</summary>
public sealed record MetricsSnapshot
{
    /// <summary>The version of the file's layout that this library reads and writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>What people call the model.</summary>
    public required string Model { get; init; }

    /// <summary>The measurements, one for each pair of image counts, the build's own first.</summary>
    public required IReadOnlyList<SnapshotMeasurement> Measurements { get; init; }

    /// <summary>The image counts of the first measurement, for a build that names none; null without a measurement.</summary>
    public (int Paired, int Distribution)? ImageCounts =>
        Measurements is [var first, ..] ? (first.PairedImages, first.DistributionImages) : null;

    /// <summary>Reads a snapshot's file.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2010, DQ2011: it cannot be read or understood; the text
    /// names the line.</exception>
    public static MetricsSnapshot Load(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw QualityErrors.BadSnapshot(path, null, e.Message.TrimEnd('.'), e);
        }

        return Parse(text, path);
    }

    /// <summary>Reads a snapshot's text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">What messages call it.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As <see cref="Load"/>.</exception>
    public static MetricsSnapshot Parse(string json, string path = "metrics.verified.json") =>
        SnapshotReader.Read(json, path);

    /// <summary>The snapshot of an evaluation, with tolerances that nobody has chosen.</summary>
    public static MetricsSnapshot Of(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return new() { Model = report.Model.Name, Measurements = [SnapshotMeasurement.Of(report)] };
    }

    /// <summary>The file's text: one metric and one layer a line, in a fixed order.</summary>
    public string ToJson() => SnapshotWriter.Write(this);

    /// <summary>
    /// The snapshot after an evaluation is accepted: its measurement replaces the one of the same image counts, or is added.
    /// Tolerances that somebody has chosen stay.
    /// </summary>
    public MetricsSnapshot With(EvaluationReport report)
    {
        var received = SnapshotMeasurement.Of(report);
        var before = FindCounts(received);
        return this with
        {
            Model = report.Model.Name,
            Measurements = before is null
                ? [.. Measurements, received]
                :
                [
                    .. Measurements.Select(m =>
                        ReferenceEquals(m, before) ? received.WithChosenTolerancesOf(before) : m
                    ),
                ],
        };
    }

    /// <summary>The measurement that an evaluation may be compared with; null when there is none of its image counts.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3001: there is one of its image counts, and another
    /// setting differs.</exception>
    public SnapshotMeasurement? FindMeasurement(EvaluationReport report)
    {
        var received = SnapshotMeasurement.Of(report);
        var verified = FindCounts(received);
        return verified?.FindDifference(received) is { } difference
            ? throw EvaluationErrors.IdentityMismatch(report.Model.Name, difference)
            : verified;
    }

    private SnapshotMeasurement? FindCounts(SnapshotMeasurement of) =>
        Measurements.FirstOrDefault(m =>
            m.PairedImages == of.PairedImages && m.DistributionImages == of.DistributionImages
        );
}
