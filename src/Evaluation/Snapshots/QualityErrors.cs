using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>What snapshots and limits have to say: codes DQ2001 to DQ2029.</summary>
internal static class QualityErrors
{
    private const int MostMetrics = 3;
    private const int MostLayers = 3;

    [Diagnostic("DQ2001")]
    public static QualityFinding Drift(
        string model,
        IReadOnlyList<MetricChange> worse,
        SnapshotComparison comparison,
        GateContext context
    )
    {
        var verified = comparison.Verified;
        string[] single =
        [
            .. Fallen("SQNR fell in", comparison.WorseLayers, verified.LayerTolerance),
            .. Fallen("SQNR of stored weights fell in", comparison.WorseWeights, verified.WeightTolerance),
        ];
        var changes = comparison.Verified.Provenance.ChangesTo(comparison.Received.Provenance).ToArray();
        string[] sentences =
        [
            worse.Count > 0
                ? $"{model} is worse than its snapshot: {InWords(worse)}"
                : $"{model} is worse than its snapshot in single layers: {string.Join("; ", single)}",
            worse.Count > 0 ? string.Join("", Fallen("SQNR fell most in", comparison.Layers)) : "",
            changes.Length > 0 ? $"Changed since the snapshot: {string.Join(", ", changes)}" : "",
            context.ReportPath is { } report ? $"See {report}" : "",
            $"If this is meant: {context.Accept}",
        ];
        return Error(
            "DQ2001",
            string.Join(". ", sentences.Where(s => s.Length > 0)),
            worse.Count > 0 ? worse[0].Definition.Name : null
        );
    }

    /// <summary>A phrase, where something fell.</summary>
    private static IEnumerable<string> Fallen(string what, IEnumerable<LayerChange> layers, double? tolerance = null)
    {
        string[] words =
        [
            .. layers
                .Take(MostLayers)
                .Select(l => $"{l.Name} {MetricRounding.Plain(l.Verified)} -> {MetricRounding.Plain(l.Received)} dB"),
        ];
        if (words.Length > 0)
        {
            var allowed = tolerance is { } t ? $" (tolerance {MetricRounding.Plain(t)})" : "";
            yield return $"{what} {string.Join(", ", words)}{allowed}";
        }
    }

    [Diagnostic("DQ2002")]
    public static QualityFinding LimitBroken(EvaluationReport report, Limit limit, Metric metric) =>
        Error("DQ2002", $"{report.Model.Name}: {Against(report, limit, metric)}. {Advice(limit)}", metric.Name);

    [Diagnostic("DQ2003")]
    public static QualityFinding TooFewImages(
        EvaluationReport report,
        Limit limit,
        Metric metric,
        bool holds,
        int? imagesToTell
    )
    {
        var chance = holds ? "it holds, but that may be chance" : "it is broken, but that may be chance";
        var advice = imagesToTell is { } images
            ? $"About {images} images would tell; set {limit.Setting}"
            : $"More than {LimitCheck.MostImages} images would be needed to tell; move {limit.Name}";
        var message =
            $"{report.Model.Name}: {Against(report, limit, metric)}: {chance}, because the margin is within two standard "
            + $"errors of {metric.Images} images. {advice}.";
        return new("DQ2003", holds ? QualitySeverity.Warning : QualitySeverity.Error, OneLine(message), metric.Name);
    }

    [Diagnostic("DQ2004")]
    public static QualityFinding LimitNotMeasured(EvaluationReport report, Limit limit)
    {
        var needs = limit.Metric switch
        {
            MetricCatalog.FidIncrease =>
                "Name a Reference and an Extractor, let EvaluationImages (--images) be above 0, and compare with the float model",
            MetricCatalog.Psnr or MetricCatalog.NoiseSqnr =>
                "Let PairedImages (--paired-images) be above 0, and compare with the float model",
            MetricCatalog.Speedup => "Let time per step be measured, and compare with the float model",
            _ => "Compare with the float model",
        };
        return Error(
            "DQ2004",
            $"{report.Model.Name}: {limit.Name} is set, but {report.Label(limit.Metric)} was not measured"
                + $"{WhyNot(report, [limit.Metric])}. {needs}; or remove {limit.Name}.",
            limit.Metric
        );
    }

    [Diagnostic("DQ2005")]
    public static QualityFinding Better(string model, IReadOnlyList<MetricChange> better, string? acceptCommand) =>
        new(
            "DQ2005",
            QualitySeverity.Note,
            OneLine(
                acceptCommand is null
                    ? $"{model} has become better in part: {InWords(better)}."
                    : $"{model} is better than its snapshot: {InWords(better)}. To hold it there: {acceptCommand}"
            ),
            better[0].Definition.Name
        );

    [Diagnostic("DQ2006")]
    public static QualityFinding NoSnapshot(string model, GateContext context) =>
        Error(
            "DQ2006",
            $"{model} has no snapshot yet to be verified against. What was measured is in {context.ReceivedPath}"
                + $"{(context.ReportPath is { } report ? $", see {report}" : "")}. If it is good enough: {context.Accept}"
        );

    [Diagnostic("DQ2007")]
    public static QualityFinding NoMeasurement(
        EvaluationReport report,
        SnapshotMeasurement received,
        MetricsSnapshot snapshot,
        GateContext context
    )
    {
        var there = string.Join("; ", snapshot.Measurements.Select(Counts));
        return Error(
            "DQ2007",
            $"{report.Model.Name} was measured on {Counts(received)}, and its snapshot has only {there}. Values of different "
                + $"numbers of images cannot be compared. Measure on as many{WhyNot(report, [])}, or accept this measurement "
                + $"beside the others: {context.Accept}"
        );
    }

    [Diagnostic("DQ2008")]
    public static QualityFinding Missing(
        EvaluationReport report,
        IReadOnlyList<MetricChange> missing,
        GateContext context
    ) =>
        Error(
            "DQ2008",
            $"{report.Model.Name}: the snapshot holds {string.Join(", ", missing.Select(m => m.Label))}, not measured now"
                + $"{WhyNot(report, missing.Select(m => m.Definition.Name))}. Measure again as before; or, if it is meant: {context.Accept}",
            missing[0].Definition.Name
        );

    [Diagnostic("DQ2009")]
    public static QualityFinding OtherSchedule(EvaluationReport report) =>
        Error(
            "DQ2009",
            $"{report.Model.Name}: the scheduler_config.json beside the quantized model is not the float model's "
                + $"({report.OtherSchedule}). Apps sample by the former, and both models were measured by the latter. Quantize it "
                + "again, or correct the file."
        );

    [Diagnostic("DQ2010")]
    public static DiffusionQuantException BadSnapshot(string path, int? line, string why, Exception? cause = null) =>
        new(
            "DQ2010",
            OneLine(
                $"{path}{(line is { } n ? $", line {n}" : "")}: this snapshot cannot be read: {why}. Correct it, or take it "
                    + "from version control; if it is deleted, the next verification writes a new one to accept."
            ),
            cause
        );

    [Diagnostic("DQ2011")]
    public static DiffusionQuantException UnknownFormat(string path, long format) =>
        new(
            "DQ2011",
            $"{path}: this snapshot has format {format}, and this version knows format {MetricsSnapshot.CurrentFormat} only. "
                + "Use the version of diffquant that wrote it, or a newer one."
        );

    [Diagnostic("DQ2012")]
    public static DiffusionQuantException CannotWrite(string path, Exception cause) =>
        new("DQ2012", $"{path}: this cannot be written: {OneLine(cause.Message)} Free the file or its folder.", cause);

    [Diagnostic("DQ2013")]
    public static DiffusionQuantException NotASnapshotName(string path) =>
        new(
            "DQ2013",
            $"{path}: this is not the name of a snapshot. Such names end in {SnapshotFiles.VerifiedSuffix} or {SnapshotFiles.ReceivedSuffix}."
        );

    [Diagnostic("DQ2014")]
    public static DiffusionQuantException NotAnEvaluation(string path, Exception cause) =>
        new(
            "DQ2014",
            $"{path}: this is no evaluation: {OneLine(cause.Message)} Give a {EvaluationReport.FileName} that diffquant evaluate wrote.",
            cause
        );

    private static QualityFinding Error(string code, string message, string? metric = null) =>
        new(code, QualitySeverity.Error, OneLine(message), metric);

    private static string InWords(IReadOnlyList<MetricChange> changes)
    {
        var named = string.Join(", ", changes.Take(MostMetrics).Select(c => c.InWords()));
        return changes.Count > MostMetrics ? $"{named} and {changes.Count - MostMetrics} more" : named;
    }

    private static string Against(EvaluationReport report, Limit limit, Metric metric)
    {
        var error = metric.StandardError is { } e and > 0
            ? $" ± {MetricRounding.Plain(MetricRounding.RoundError(limit.Definition, e))}"
            : "";
        var unit = limit.Definition.Unit.Length == 0 ? "" : $" {limit.Definition.Unit}";
        // The value is shown with enough digits to be seen on its side of the limit.
        var value = MetricRounding.Apart(limit.Definition, metric.Value, limit.Value);
        return $"{report.Label(metric.Name)} is {value}{error}{unit} and {limit.Name} is {MetricRounding.Plain(limit.Value)}";
    }

    private static string Advice(Limit limit) =>
        limit.Metric switch
        {
            MetricCatalog.SizeRatio => "Quantize more layers or to fewer bits, or move the limit.",
            MetricCatalog.Speedup =>
                "Look at time per step in the report; or move the limit, if this machine is slower.",
            _ => "Give more bits to the layers with the lowest SQNR, use another method, or move the limit.",
        };

    /// <summary>What the evaluation says about why a metric is missing: the notes that name it, else all.</summary>
    private static string WhyNot(EvaluationReport report, IEnumerable<string> metrics)
    {
        var titles = metrics.Select(m => MetricCatalog.Find(m).Title).ToArray();
        var about = report
            .Notes.Where(n => titles.Any(t => n.Contains(t, StringComparison.OrdinalIgnoreCase)))
            .ToArray();
        var notes = about.Length > 0 ? about : report.Notes;
        return notes.Count == 0 ? "" : $" ({string.Join("; ", notes.Select(n => n.TrimEnd('.')))})";
    }

    private static string Counts(SnapshotMeasurement m) =>
        $"{m.PairedImages} paired and {m.DistributionImages} distribution images";

    /// <summary>MSBuild takes a message line by line.</summary>
    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
