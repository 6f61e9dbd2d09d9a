using System.Globalization;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation;

/// <summary>All settings that must be equal before two values of a metric may be compared, by name.</summary>
public sealed class MetricIdentity : IEquatable<MetricIdentity>
{
    private MetricIdentity(IReadOnlyList<KeyValuePair<string, string>> settings) => Settings = settings;

    /// <summary>The settings, in a fixed order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; }

    /// <summary>The identity of a metric in a report.</summary>
    /// <exception cref="KeyNotFoundException">There is no metric of this name.</exception>
    public static MetricIdentity Of(EvaluationReport report, Metric metric)
    {
        var settings = new List<KeyValuePair<string, string>>();
        var kind = MetricCatalog.Find(metric.Name).Kind;
        if (kind is MetricKind.Paired or MetricKind.DistributionToFloat or MetricKind.Size or MetricKind.Speed)
        {
            Add("float model", report.Float?.Sha256);
        }

        if (kind is not (MetricKind.Size or MetricKind.Speed))
        {
            Add("images", metric.Images.ToString(CultureInfo.InvariantCulture));
            settings.AddRange(report.Sampling.Settings);
        }

        if (kind is MetricKind.Distribution or MetricKind.DistributionToFloat)
        {
            Add("extractor", report.Extractor is { } e ? $"{e.Name} {e.Sha256}" : null);
        }

        if (kind is MetricKind.Distribution)
        {
            Add("reference", report.Reference is { } r ? $"{r.Name} {r.Sha256}" : null);
        }

        if (kind is MetricKind.Prompted)
        {
            // By content alone: a folder may be called otherwise on another machine.
            Add("CLIP model", report.Clip?.Sha256);
        }

        return new(settings);

        void Add(string name, string? value) => settings.Add(new(name, value ?? "none"));
    }

    /// <summary>The first setting that differs, as <c>name: one, another</c>; null where all agree. What only one of the two
    /// tells, because the other is of an earlier version, is not compared.</summary>
    public string? FindDifference(MetricIdentity other) => SettingDifference.Find(Settings, other.Settings);

    /// <inheritdoc/>
    public bool Equals(MetricIdentity? other) => other is not null && Settings.SequenceEqual(other.Settings);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MetricIdentity);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        Settings.Aggregate(0, (hash, setting) => HashCode.Combine(hash, setting.Key, setting.Value));

    /// <summary>The settings, as <c>name: value</c> with commas between.</summary>
    public override string ToString() => string.Join(", ", Settings.Select(s => $"{s.Key}: {s.Value}"));
}
