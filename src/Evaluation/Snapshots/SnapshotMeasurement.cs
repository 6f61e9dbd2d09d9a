using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>The values of one evaluation, with all settings on which they depend.</summary>
/// <remarks>A snapshot may have several, because a model may be measured on few images in a build and on many in CI.</remarks>
public sealed record SnapshotMeasurement
{
    /// <summary>
    /// By how many dB a layer's SQNR may fall where a snapshot says nothing else: more than one and a half times what the worst
    /// layer of quantizations that are equally good falls by (benchmarks/results/stability.md).
    /// </summary>
    public const double UsualLayerTolerance = 4;

    /// <summary>
    /// By how many dB the SQNR of a layer's stored weights may fall where a snapshot says nothing else: more than another seed
    /// changes, less than a bit (6 dB) or a step's shift of all codes (11 dB) costs.
    /// </summary>
    public const double UsualWeightTolerance = 3;

    /// <summary>Images of paired metrics; 0 where none was measured.</summary>
    public required int PairedImages { get; init; }

    /// <summary>Images of distribution metrics; 0 where none was measured.</summary>
    public required int DistributionImages { get; init; }

    /// <summary>What it was measured with.</summary>
    public required SnapshotProvenance Provenance { get; init; }

    /// <summary>The float model; null when there was none.</summary>
    public SnapshotModel? Float { get; init; }

    /// <summary>How images were generated.</summary>
    public required SamplingIdentity Sampling { get; init; }

    /// <summary>The extractor of distribution metrics; null when none was measured.</summary>
    public ExtractorIdentity? Extractor { get; init; }

    /// <summary>The reference of distribution metrics; null when none was given.</summary>
    public ReferenceIdentity? Reference { get; init; }

    /// <summary>The CLIP model that compared images with their prompts; null when none did.</summary>
    public ClipIdentity? Clip { get; init; }

    /// <summary>The metrics, in the order of <see cref="MetricCatalog.All"/>.</summary>
    public required IReadOnlyList<SnapshotMetric> Metrics { get; init; }

    /// <summary>By how many dB a layer's SQNR may fall; infinite for any.</summary>
    public double LayerTolerance { get; init; } = UsualLayerTolerance;

    /// <summary>The outputs of layers, in topological order.</summary>
    public IReadOnlyList<SnapshotLayer> Layers { get; init; } = [];

    /// <summary>By how many dB the SQNR of a layer's stored weights may fall; infinite for any.</summary>
    public double WeightTolerance { get; init; } = UsualWeightTolerance;

    /// <summary>The stored weights of layers, in topological order. They depend on no image, so that faults are seen in them
    /// which no output shows.</summary>
    public IReadOnlyList<SnapshotLayer> Weights { get; init; } = [];

    /// <summary>The values of an evaluation, rounded, with tolerances that nobody has chosen.</summary>
    public static SnapshotMeasurement Of(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return new()
        {
            PairedImages = CountImages(report, MetricKind.Paired, MetricKind.Prompted),
            DistributionImages = CountImages(report, MetricKind.Distribution, MetricKind.DistributionToFloat),
            Provenance = new(
                report.ToolVersion,
                report.RuntimeVersion,
                report.Device,
                report.Model.Bits,
                report.Model.Method
            ),
            Float = report.Float is { } model ? new(model.Name, model.Sha256) : null,
            Sampling = report.Sampling,
            Extractor = report.Extractor,
            Reference = report.Reference,
            Clip = report.Clip,
            // Speed depends on the machine, so it is held by a limit within one run and never by a snapshot.
            Metrics =
            [
                .. MetricCatalog
                    .All.Where(d => d.Kind != MetricKind.Speed)
                    .Select(d => report.Find(d.Name))
                    .OfType<Metric>()
                    .Select(Rounded),
            ],
            // The last layer's is the network's own, which metrics judge on more than the few images of this check.
            Layers = InLayers(report, l => l.IsLast ? null : l.Sqnr),
            Weights = InLayers(report, l => l.WeightSqnr),
        };
    }

    /// <summary>A metric; null when it was not measured.</summary>
    public SnapshotMetric? Find(string name) => Metrics.FirstOrDefault(m => m.Name == name);

    /// <summary>A metric's title for people, with the name of the extractor that is not the standard one, or of the CLIP model.</summary>
    public string Label(string name) => AsReport().Label(name);

    /// <summary>The first setting that differs from another measurement's, as <c>seed: 0, 1</c>; null where all agree that
    /// metrics of both depend on.</summary>
    public string? FindDifference(SnapshotMeasurement other)
    {
        ArgumentNullException.ThrowIfNull(other);
        // The increase of FID depends on the float model as well, which is no part of a distribution's identity.
        if (Float?.Sha256 != other.Float?.Sha256)
        {
            return $"float model: {Float?.Sha256 ?? "none"}, {other.Float?.Sha256 ?? "none"}";
        }

        var (mine, theirs) = (AsReport(), other.AsReport());
        return Metrics
            .Select(m =>
                theirs.Find(m.Name) is { } counterpart
                    ? MetricIdentity.Of(mine, mine.Find(m.Name)!).FindDifference(MetricIdentity.Of(theirs, counterpart))
                    : null
            )
            .FirstOrDefault(d => d is not null);
    }

    /// <summary>The tolerances of an earlier measurement where people have chosen them.</summary>
    internal SnapshotMeasurement WithChosenTolerancesOf(SnapshotMeasurement earlier) =>
        this with
        {
            LayerTolerance = earlier.LayerTolerance,
            WeightTolerance = earlier.WeightTolerance,
            Metrics =
            [
                .. Metrics.Select(m =>
                    earlier.Find(m.Name) is { } before
                    && before.Tolerance != Tolerance.Default(MetricCatalog.Find(m.Name))
                        ? m with
                        {
                            Tolerance = before.Tolerance,
                        }
                        : m
                ),
            ],
        };

    /// <summary>Identity and labels are told of reports, and there is one definition of each.</summary>
    private EvaluationReport AsReport() =>
        new()
        {
            ToolVersion = Provenance.Tool,
            RuntimeVersion = Provenance.Runtime,
            Device = Provenance.Device,
            Model = new("", "", 0),
            Float = Float is null ? null : new(Float.Name, Float.Sha256, 0),
            Sampling = Sampling,
            Extractor = Extractor,
            Reference = Reference,
            Clip = Clip,
            Metrics = [.. Metrics.Select(m => new Metric(m.Name, m.Value, m.Images))],
        };

    private static SnapshotMetric Rounded(Metric metric)
    {
        var definition = MetricCatalog.Find(metric.Name);
        var value = MetricRounding.Round(definition, metric.Value);
        double? error = metric.StandardError is { } e ? MetricRounding.RoundError(definition, e) : null;
        return new(metric.Name, value, Tolerance.Default(definition), error, metric.Images)
        {
            WithoutBlock = metric.WithoutBlock is { } values
                ? [.. values.Select(v => MetricRounding.RoundBlock(definition, v))]
                : null,
        };
    }

    private static IReadOnlyList<SnapshotLayer> InLayers(EvaluationReport report, Func<LayerQuality, double?> sqnr) =>
        [
            .. report
                .Layers.Where(l => sqnr(l) is not null)
                .DistinctBy(l => l.Name)
                .Select(l => new SnapshotLayer(l.Name, MetricRounding.RoundLayer(sqnr(l)!.Value))),
        ];

    private static int CountImages(EvaluationReport report, params MetricKind[] kinds) =>
        report
            .Metrics.Where(m => kinds.Contains(MetricCatalog.Find(m.Name).Kind))
            .Select(m => m.Images)
            .DefaultIfEmpty(0)
            .Max();
}

/// <summary>A float model, as a snapshot knows it.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Sha256">Over its graph's file and the external data, in lower-case hexadecimal.</param>
public sealed record SnapshotModel(string Name, string Sha256);
