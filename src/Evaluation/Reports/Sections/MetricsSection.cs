namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>All metrics beside the float model's and the verified ones, and what was not measured.</summary>
internal static class MetricsSection
{
    public static Html Render(EvaluationReport report, ReportContext context)
    {
        var rows = MetricRow.Of(report, context);
        var hasFloat = rows.Any(r => r.Float is not null);
        var hasVerified = context.Verified.Count > 0;
        return Html.Of(
            $"""
            <section aria-labelledby="metrics-title">
            <h2 id="metrics-title">Metrics</h2>
            <table class="metrics" role="table">
            <caption class="unseen">Each metric with its standard error; an arrow tells whether higher or lower is better</caption>
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Metric</th><th role="columnheader" scope="col">Quantized</th>{(
                hasFloat ? Head("Float") : default
            )}{(hasFloat ? Head("Change") : default)}{(hasVerified ? Head("Verified") : default)}{(
                hasVerified ? Head("Verdict") : default
            )}<th role="columnheader" scope="col">Images</th></tr></thead>
            <tbody role="rowgroup">
            {Html.Lines(rows.Select(r => Row(r, hasFloat, hasVerified)))}
            </tbody>
            </table>
            {Notes(report)}
            </section>
            """
        );
    }

    private static Html Head(string text) => Html.Of($"<th role=\"columnheader\" scope=\"col\">{text}</th>");

    private static Html Row(MetricRow row, bool hasFloat, bool hasVerified)
    {
        var direction = row.Definition.IsHigherBetter
            ? Html.Of(
                $"<span class=\"direction\" role=\"img\" aria-label=\"higher is better\" title=\"higher is better\">\u2191</span>"
            )
            : Html.Of(
                $"<span class=\"direction\" role=\"img\" aria-label=\"lower is better\" title=\"lower is better\">\u2193</span>"
            );
        var images = row.Measured?.Images ?? row.Float?.Images ?? 0;
        return Html.Of(
            $"""
            <tr role="row" data-metric="{row.Definition.Name}"><th role="rowheader" scope="row">{row.Label} {direction}<small>{row.Definition.Meaning}</small></th>{Value(
                "Quantized",
                row,
                row.Measured
            )}{(hasFloat ? Value("Float", row, row.Float) : default)}{(hasFloat ? Change(row) : default)}{(
                hasVerified ? Verified(row) : default
            )}{(hasVerified ? Verdict(row) : default)}{Cell("Images", images > 0 ? Figures.Count(images) : null)}</tr>
            """
        );
    }

    private static Html Value(string title, MetricRow row, Metric? metric)
    {
        if (metric is null)
        {
            return Cell(title, null);
        }

        var error = metric.StandardError is { } e
            ? Html.Of($"<small>\u00b1\u00a0{Figures.Fixed(e, row.Definition.Digits)}</small>")
            : default;
        return Html.Of(
            $"<td role=\"cell\" data-label=\"{title}\" data-value=\"{Figures.Exact(metric.Value)}\">{Figures.Of(row.Definition, metric.Value)}{error}</td>"
        );
    }

    private static Html Change(MetricRow row) =>
        Cell(
            "Change",
            row is { Measured: { } now, Float: { } before }
                ? Figures.Change(now.Value - before.Value, row.Definition.Digits)
                : null
        );

    private static Html Verified(MetricRow row) =>
        row.Verified is { } verified
            ? Html.Of(
                $"<td role=\"cell\" data-label=\"Verified\" data-value=\"{Figures.Exact(verified.Value)}\">{Figures.Of(row.Definition, verified.Value)}<small>tolerance {VerdictSection.Tolerance(row)}</small></td>"
            )
            : Cell("Verified", null);

    private static Html Verdict(MetricRow row) =>
        row.Verified?.Verdict switch
        {
            VerifiedVerdict.Within => Word("within", "within"),
            VerifiedVerdict.Better => Word("better", "better"),
            VerifiedVerdict.Worse => Word("worse", "worse"),
            VerifiedVerdict.NotCompared => Word("none", "not compared"),
            _ => Cell("Verdict", null),
        };

    private static Html Word(string verdict, string text) =>
        Html.Of(
            $"<td role=\"cell\" data-label=\"Verdict\"><span class=\"word\" data-verdict=\"{verdict}\">{text}</span></td>"
        );

    private static Html Cell(string title, string? text) =>
        Html.Of(
            $"<td role=\"cell\" data-label=\"{title}\"{(text is null ? Html.Of($" class=\"empty\"") : default)}>{text ?? Figures.None}</td>"
        );

    private static Html Notes(EvaluationReport report) =>
        report.Notes.Count == 0
            ? default
            : Html.Of(
                $"""
                <div class="notes">
                <h3>Not measured, and to bear in mind</h3>
                <ul>
                {Html.Lines(report.Notes.Select(n => Html.Of($"<li>{n}</li>")))}
                </ul>
                </div>
                """
            );
}
