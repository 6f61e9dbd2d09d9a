using DiffusionQuant.Evaluation.Snapshots;
using Spectre.Console;

namespace DiffusionQuant.Tool.Review;

/// <summary>Prints what acceptance would change, or has changed.</summary>
internal static class ReviewText
{
    private const int MostLayers = 5;

    /// <summary>Prints all of it: tables, layers.</summary>
    public static void Show(IAnsiConsole console, SnapshotReview review)
    {
        console.Write(new Text(review.Model, new Style(decoration: Decoration.Bold)));
        console.WriteLine($"  {review.Verified}{(review.IsNew ? " (new)" : "")}");
        foreach (var measurement in review.Measurements)
        {
            console.WriteLine($"{Images(measurement)}{State(review, measurement)}");
            foreach (var changed in measurement.Changed)
            {
                console.WriteLine($"Changed: {changed}");
            }

            if (measurement.Metrics.Count > 0)
            {
                console.WriteLine();
                console.Write(MetricTable.Of(measurement.Metrics, console.Profile.Width));
            }

            ShowLayers(console, measurement.Layers);
            console.WriteLine();
        }

        if (review.Measurements.Count == 0)
        {
            console.WriteLine("No value differs.");
        }
    }

    /// <summary>Prints what changed, a line for each metric outside its tolerance.</summary>
    public static void ShowAccepted(IAnsiConsole console, SnapshotReview review)
    {
        console.WriteLine($"{review.Verified}: accepted{(review.IsNew ? ", the first snapshot" : "")}");
        foreach (var measurement in review.Measurements)
        {
            console.WriteLine($"  {Images(measurement)}{State(review, measurement)}");
            foreach (var metric in measurement.Metrics.Where(m => !Equals(m.Verified, m.Received)))
            {
                var definition = Evaluation.Metrics.MetricCatalog.Find(metric.Name);
                var before = metric.Verified is { } v ? $"{MetricRounding.Fixed(definition, v)} -> " : "";
                var after = metric.Received is { } r ? MetricRounding.WithUnit(definition, r) : "not measured";
                console.WriteLine(
                    $"    {metric.Label} {before}{after} ({metric.Verdict}, tolerance {metric.Tolerance})"
                );
            }
        }
    }

    private static void ShowLayers(IAnsiConsole console, IReadOnlyList<LayerReview> layers)
    {
        if (layers.Count == 0)
        {
            return;
        }

        console.WriteLine();
        console.WriteLine("Layers whose SQNR fell most:");
        var width = layers.Take(MostLayers).Max(l => Decibels(l.Verified).Length);
        foreach (var layer in layers.Take(MostLayers))
        {
            var before = Decibels(layer.Verified).PadLeft(width);
            console.WriteLine($"  {before} -> {Decibels(layer.Received)} dB  {layer.Name}");
        }

        if (layers.Count > MostLayers)
        {
            console.WriteLine($"  and {layers.Count - MostLayers} more");
        }
    }

    private static string Decibels(double value) =>
        double.IsFinite(value) ? $"{value:0.0}" : MetricRounding.Plain(value);

    private static string Images(MeasurementReview m) =>
        $"{m.PairedImages} paired and {m.DistributionImages} distribution images";

    private static string State(SnapshotReview review, MeasurementReview measurement) =>
        measurement.Incomparable is { } setting
            ? $", measured in another way than verified, so that nothing can be compared ({setting})"
        : !review.IsNew && measurement.Metrics.All(m => m.Verdict == "new") ? ", a new measurement"
        : "";
}
