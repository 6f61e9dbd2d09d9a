using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Layers that got more bits because a limit did not hold, and what was tried; nothing where no limit was set.</summary>
internal static class FallbackSection
{
    public static Html Render(EvaluationReport report)
    {
        if (report.Fallback is not { } fallback)
        {
            return default;
        }

        var limits = string.Join(", ", fallback.Limits.Select(l => $"{l.Name} {Figures.Exact(l.Value)}"));
        var outcome =
            fallback.Raised.Count == 0 && fallback.Holds
                ? "holds without more bits for any layer"
                : $"{(fallback.Holds ? "holds" : "does not hold")} with more bits for {fallback.Raised.Count} layers";
        return Html.Of(
            $"""
            <section id="fallback" aria-labelledby="fallback-title">
            <h2 id="fallback-title">Fallback</h2>
            <p class="lead">{limits} {outcome}. The most sensitive layers came first; a step gives one layer 8 bits, or later float.</p>
            <table><thead><tr><th scope="col">Steps of {fallback.Steps}</th>{Html.Lines(
                fallback.Limits.Select(Head)
            )}<th scope="col">Holds</th></tr></thead>
            <tbody>
            {Html.Lines(fallback.Trials.Select(t => Row(t, fallback)))}
            </tbody></table>
            {(fallback.Raised.Count > 0 ? Raised(fallback) : default)}
            </section>
            """
        );
    }

    private static Html Head(FallbackLimit limit) =>
        Html.Of($"<th scope=\"col\">{MetricCatalog.Find(limit.Metric).Title}</th>");

    private static Html Row(FallbackTrial trial, FallbackReport fallback) =>
        Html.Of(
            $"<tr><td>{trial.Steps}</td>{Html.Lines(fallback.Limits.Select(l => Html.Of($"<td>{Figures.Significant(trial.Values[l.Metric], 4)}</td>")))}<td>{(trial.Holds ? "yes" : "no")}</td></tr>"
        );

    private static Html Raised(FallbackReport fallback) =>
        Html.Of(
            $"""
            <details><summary>{fallback.Raised.Count} layers with more bits</summary>
            <table><thead><tr><th scope="col">Layer</th><th scope="col">From</th><th scope="col">To</th></tr></thead>
            <tbody>
            {Html.Lines(
                fallback.Raised.Select(r => Html.Of($"<tr><td>{r.Layer}</td><td>{r.From}</td><td>{r.To}</td></tr>"))
            )}
            </tbody></table></details>
            """
        );
}
