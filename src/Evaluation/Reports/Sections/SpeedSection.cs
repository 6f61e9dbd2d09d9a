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
            {Theory(report)}
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

    private static Html Theory(EvaluationReport report) =>
        report.BitOperations is { } counted
            ? Html.Of(
                $"<p class=\"lead\">In theory: {Figures.Fixed(counted.Float / 1e9, 0)} \u2192 {Figures.Fixed(counted.Quantized / 1e9, 0)} billion bit operations a sample (32 \u00d7 32 for a float multiplication), {Figures.Fixed(counted.Ratio, 1)}\u00d7 fewer. Kernels of 8 bits take as long for codes of fewer.</p>"
            )
            : default;
}
