using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Writes snapshots for people: what changes together is one line, so that a diff reads well.</summary>
internal static class SnapshotWriter
{
    public static string Write(MetricsSnapshot snapshot)
    {
        var text = new StringBuilder();
        text.Append("{\n");
        text.Append($"  \"format\": {MetricsSnapshot.CurrentFormat},\n");
        text.Append($"  \"model\": {Quote(snapshot.Model)},\n");
        text.Append("  \"measurements\": [");
        text.AppendJoin(",", snapshot.Measurements.Select(m => "\n    " + Measurement(m)));
        text.Append(snapshot.Measurements.Count > 0 ? "\n  ]\n}\n" : "]\n}\n");
        return text.ToString();
    }

    private static string Measurement(SnapshotMeasurement m)
    {
        var members = new List<string?>
        {
            Member(
                "images",
                OneLine(("paired", Number(m.PairedImages)), ("distribution", Number(m.DistributionImages)))
            ),
            Member(
                "measured",
                OneLine(
                    ("bits", Quote(m.Provenance.Bits)),
                    ("method", Quote(m.Provenance.Method)),
                    ("device", Quote(m.Provenance.Device)),
                    ("runtime", Quote(m.Provenance.Runtime)),
                    ("tool", Quote(m.Provenance.Tool))
                )
            ),
            Member(
                "float",
                m.Float is { } model ? OneLine(("name", Quote(model.Name)), ("sha256", Quote(model.Sha256))) : null
            ),
            Member("sampling", Sampling(m.Sampling)),
            Member(
                "extractor",
                m.Extractor is { } extractor
                    ? OneLine(
                        ("name", Quote(extractor.Name)),
                        ("sha256", Quote(extractor.Sha256)),
                        ("isStandardInception", extractor.IsStandardInception ? "true" : null)
                    )
                    : null
            ),
            Member(
                "reference",
                m.Reference is { } reference
                    ? OneLine(
                        ("name", Quote(reference.Name)),
                        ("sha256", Quote(reference.Sha256)),
                        ("images", Number(reference.Images))
                    )
                    : null
            ),
            Member(
                "clip",
                m.Clip is { } clip ? OneLine(("name", Quote(clip.Name)), ("sha256", Quote(clip.Sha256))) : null
            ),
            Member("metrics", Lines("        ", m.Metrics.Select(metric => Metric(metric, m)))),
            Member("layerTolerance", m.Layers.Count > 0 ? Number(m.LayerTolerance) : null),
            Member("layers", Layers(m.Layers)),
            Member("weightTolerance", m.Weights.Count > 0 ? Number(m.WeightTolerance) : null),
            Member("weights", Layers(m.Weights)),
            Member("withoutBlock", Blocks(m)),
        };
        return "{\n      " + string.Join(",\n      ", members.OfType<string>()) + "\n    }";
    }

    private static string Sampling(SamplingIdentity s) =>
        Lines(
            "        ",
            new[]
            {
                Member("sampler", Quote(s.Sampler)),
                Member("steps", Number(s.Steps)),
                Member("timestepsSha256", Quote(s.TimestepsSha256)),
                Member("eta", Number(s.Eta)),
                Member("clipSample", s.ClipSample?.ToString().ToLowerInvariant()),
                Member("seed", s.Seed.ToString()),
                Member("guidanceScale", Number(s.GuidanceScale)),
                Member("guidanceRescale", s.GuidanceRescale == 0 ? null : Number(s.GuidanceRescale)),
                Member("conditioningSha256", Quote(s.ConditioningSha256)),
                Member("classLabels", Quote(s.ClassLabels)),
                Member(
                    "schedule",
                    s.Schedule is { } schedule
                        ? OneLine(
                            ("prediction", Quote(schedule.Prediction)),
                            ("betas", Quote(schedule.Betas)),
                            ("clipRange", Quote(schedule.ClipRange)),
                            ("variance", Quote(schedule.Variance)),
                            ("finalAlpha", Quote(schedule.FinalAlpha)),
                            ("solver", Quote(schedule.Solver))
                        )
                        : null
                ),
                Member(
                    "denoiser",
                    s.Denoiser is { } denoiser
                        ? OneLine(
                            ("sample", Quote(denoiser.Sample)),
                            ("inputs", Quote(denoiser.Inputs)),
                            ("timestepScale", Number(denoiser.TimestepScale)),
                            ("classes", denoiser.Classes?.ToString(CultureInfo.InvariantCulture)),
                            ("nullClass", denoiser.NullClass?.ToString(CultureInfo.InvariantCulture))
                        )
                        : null
                ),
                Member(
                    "decoder",
                    s.Decoder is { } decoder
                        ? OneLine(
                            ("sha256", Quote(decoder.Sha256)),
                            ("scalingFactor", Number(decoder.ScalingFactor)),
                            ("shiftFactor", Number(decoder.ShiftFactor)),
                            ("perChannel", Quote(decoder.PerChannel))
                        )
                        : null
                ),
            }.OfType<string>()
        );

    private static string Metric(SnapshotMetric metric, SnapshotMeasurement of)
    {
        var tolerance =
            metric.Tolerance.IsRelative || double.IsPositiveInfinity(metric.Tolerance.Amount)
                ? $"\"{metric.Tolerance}\""
                : metric.Tolerance.ToString();
        return Member(
            metric.Name,
            OneLine(
                ("value", Number(metric.Value)),
                ("tolerance", tolerance),
                ("standardError", metric.StandardError is { } error ? Number(error) : null),
                ("images", metric.Images == UsualImages.Of(metric.Name, of) ? null : Number(metric.Images))
            )
        )!;
    }

    private static string? Layers(IReadOnlyList<SnapshotLayer> layers) =>
        layers.Count > 0 ? Lines("        ", layers.Select(layer => Member(layer.Name, Number(layer.Sqnr))!)) : null;

    /// <summary>A line for each metric: numbers to compare with, which nobody reads.</summary>
    private static string? Blocks(SnapshotMeasurement of) =>
        of.Metrics.Any(m => m.WithoutBlock is not null)
            ? Lines(
                "        ",
                of.Metrics.Where(m => m.WithoutBlock is not null)
                    .Select(m => Member(m.Name, $"[{string.Join(", ", m.WithoutBlock!.Select(Number))}]")!)
            )
            : null;

    private static string? Member(string name, string? value) => value is null ? null : $"{Quote(name)}: {value}";

    private static string OneLine(params (string Name, string? Value)[] members) =>
        $"{{ {string.Join(", ", members.Select(m => Member(m.Name, m.Value)).OfType<string>())} }}";

    private static string Lines(string indent, IEnumerable<string> members)
    {
        var all = members.ToArray();
        return all.Length == 0 ? "{}" : $"{{\n{indent}{string.Join($",\n{indent}", all)}\n{indent[..^2]}}}";
    }

    /// <summary>JSON has no numbers that are not finite.</summary>
    private static string Number(double value) =>
        double.IsFinite(value) ? MetricRounding.Plain(value) : $"\"{MetricRounding.Plain(value)}\"";

    private static string? Quote(string? text) =>
        text is null ? null : $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
