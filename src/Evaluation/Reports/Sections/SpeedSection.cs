using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Time of a denoising step.</summary>
internal static class SpeedSection
{
    public static Html Render(EvaluationReport report)
    {
        if (report.Speed is not { } speed)
        {
            return default;
        }

        var largest = Math.Max(speed.FloatMilliseconds, speed.QuantizedMilliseconds);
        var threads = speed.Threads == 0 ? "a thread per core" : $"{speed.Threads} threads";
        return Html.Of(
            $"""
            <section aria-labelledby="speed-title">
            <h2 id="speed-title">Time per step</h2>
            {Bars.Render(
                [Bar("Float", speed.FloatMilliseconds), Bar("Quantized", speed.QuantizedMilliseconds)],
                largest
            )}
            <p class="lead">Median of {speed.Runs} runs each, measured in turns in one run on {report.Device}, {speed.Batch} images at a time, {threads}.</p>
            {Ratio(report)}
            </section>
            """
        );
    }

    private static (string Name, double Value, string Text) Bar(string name, double milliseconds) =>
        (name, milliseconds, $"{Figures.Fixed(milliseconds, 2)}\u00a0ms");

    private static Html Ratio(EvaluationReport report) =>
        report.Find(MetricCatalog.Speedup) is { } ratio
            ? Html.Of(
                $"<p class=\"lead\">The float model takes {Figures.Of(MetricCatalog.Find(MetricCatalog.Speedup), ratio.Value)} as long. Times of different machines are not compared.</p>"
            )
            : default;
}
