namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>A metric of a snapshot.</summary>
/// <param name="Name">A name of <see cref="Metrics.MetricCatalog"/>; never that of a metric of speed.</param>
/// <param name="Value">The verified value, rounded.</param>
/// <param name="Tolerance">How much worse a value may be.</param>
/// <param name="StandardError">The value's standard error over images, rounded; null where it is not known.</param>
/// <param name="Images">How many images it was measured on; 0 for metrics that depend on none.</param>
public sealed record SnapshotMetric(
    string Name,
    double Value,
    Tolerance Tolerance,
    double? StandardError = null,
    int Images = 0
)
{
    /// <summary>The value without each block of images in turn, rounded (<see cref="Metric.WithoutBlock"/>); null where it is
    /// not known.</summary>
    public IReadOnlyList<double>? WithoutBlock { get; init; }
}

/// <summary>A layer of a snapshot.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Sqnr">SQNR of its output, or of its stored weights, in dB, rounded to 0.1.</param>
public sealed record SnapshotLayer(string Name, double Sqnr);

/// <summary>What values were measured with. It is said beside a change that it may explain, and is never compared.</summary>
/// <param name="Tool">The tool's version.</param>
/// <param name="Runtime">The version of ONNX Runtime.</param>
/// <param name="Device">The device.</param>
/// <param name="Bits">The recipe's bits; null for a model of another tool.</param>
/// <param name="Method">The recipe's method; null as above.</param>
public sealed record SnapshotProvenance(string Tool, string Runtime, string Device, string? Bits, string? Method)
{
    /// <summary>What differs from another's, as <c>quantization W4A8 mse -> W3A4 minmax</c>.</summary>
    public IEnumerable<string> ChangesTo(SnapshotProvenance other)
    {
        if ((Bits, Method) != (other.Bits, other.Method))
        {
            yield return $"quantization {Words(this)} -> {Words(other)}";
        }

        if (Runtime != other.Runtime)
        {
            yield return $"ONNX Runtime {Runtime} -> {other.Runtime}";
        }

        if (Device != other.Device)
        {
            yield return $"device {Device} -> {other.Device}";
        }

        if (Tool != other.Tool)
        {
            yield return $"diffquant {Tool} -> {other.Tool}";
        }

        static string Words(SnapshotProvenance of) =>
            of.Bits is null && of.Method is null ? "unknown" : $"{of.Bits} {of.Method}".Trim();
    }
}
