using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>The head of the page: which model, whether it is good enough, and the numbers that most people ask for.</summary>
internal static class VerdictSection
{
    private const int WorstLayers = 5;

    public static Html Render(EvaluationReport report, ReportContext context, string recipe) =>
        Html.Of(
            $"""
            <header>
            <p class="kicker">Quality report</p>
            <h1>{report.Model.Name}{(
                recipe.Length > 0 ? Html.Of($" <span class=\"recipe\">{recipe}</span>") : default
            )}</h1>
            {Verdict(report, context)}
            <dl class="tiles">
            {Html.Lines(Tiles(report, context))}
            </dl>
            </header>
            """
        );

    private static Html Verdict(EvaluationReport report, ReportContext context)
    {
        if (!context.IsVerified)
        {
            return Html.Of(
                $"""
                <div class="verdict" data-verdict="none">
                <p><strong>Not verified</strong> There is no verified snapshot to compare with; the numbers below stand beside the float model's.</p>
                </div>
                """
            );
        }

        var rows = MetricRow.Of(report, context);
        var compared = rows.Count(r => r.Verified is { Verdict: not VerifiedVerdict.NotCompared });
        var better = Sentences(rows, VerifiedVerdict.Better);
        var snapshot = context.VerifiedFile is { } file ? Html.Of($"<code>{file}</code>") : Html.Of($"the snapshot");
        if (!context.HasFailed)
        {
            return Html.Of(
                $"""
                <div class="verdict" data-verdict="pass">
                <p><strong>Passes</strong> {(
                    compared > 0
                        ? Html.Of($"All {compared} compared metrics are within tolerance of {snapshot}, or better.")
                        : Html.Of($"Nothing that was checked fails.")
                )}</p>
                {List("Better than verified", better)}
                </div>
                """
            );
        }

        var worse = Sentences(rows, VerifiedVerdict.Worse);
        var summary =
            worse.Count > 0
                ? Html.Of($"{worse.Count} of {compared} compared metrics got worse than {snapshot} allows.")
                : Html.Of($"A limit is broken.");
        return Html.Of(
            $"""
            <div class="verdict" data-verdict="fail">
            <p><strong>Fails</strong> {summary}</p>
            {List("What got worse", worse)}
            {List("Checks that fail", [.. context.Failures.Select(f => Html.Of($"{f}"))])}
            {LowestLayers(report)}
            {List("Better than verified", better)}
            {(
                context.AcceptCommand is { } accept
                    ? Html.Of($"<p>If this is meant: <code>{accept}</code></p>")
                    : default
            )}
            </div>
            """
        );
    }

    private static List<Html> Sentences(IReadOnlyList<MetricRow> rows, VerifiedVerdict verdict) =>
        [
            .. rows.Where(r => r.Verified?.Verdict == verdict && r.Measured is not null)
                .Select(r =>
                    Html.Of(
                        $"<b>{r.Label}</b> is {Figures.Of(r.Definition, r.Measured!.Value)}; verified {Figures.Of(r.Definition, r.Verified!.Value)}, tolerance {Tolerance(r)}"
                    )
                ),
        ];

    /// <summary>A verified value's tolerance, as people say it.</summary>
    public static string Tolerance(MetricRow row) =>
        double.IsInfinity(row.Verified!.Tolerance) ? "any"
        : row.Verified.IsRelative ? Figures.Percent(row.Verified.Tolerance)
        : Figures.WithUnit(row.Definition, Figures.Significant(row.Verified.Tolerance, 3));

    private static Html LowestLayers(EvaluationReport report)
    {
        var lowest = report
            .Layers.Where(l => l.Sqnr is not null && !double.IsNaN(l.Sqnr.Value))
            .OrderBy(l => l.Sqnr)
            .Take(WorstLayers)
            .Select(l => Html.Of($"<code>{l.Name}</code> {Figures.Fixed(l.Sqnr!.Value, 1)}\u00a0dB"))
            .ToList();
        return List("Layers with the lowest SQNR", lowest);
    }

    private static Html List(string title, List<Html> items) =>
        items.Count == 0
            ? default
            : Html.Of(
                $"""
                <h2>{title}</h2>
                <ul>
                {Html.Lines(items.Select(i => Html.Of($"<li>{i}</li>")))}
                </ul>
                """
            );

    private static IEnumerable<Html> Tiles(EvaluationReport report, ReportContext context)
    {
        string[] wanted =
        [
            FirstMeasured(MetricCatalog.FidIncrease, MetricCatalog.Fid, MetricCatalog.FidToFloat, MetricCatalog.Ssim),
            FirstMeasured(MetricCatalog.Psnr, MetricCatalog.NoiseSqnr),
        ];
        foreach (var name in wanted)
        {
            var row = MetricRow.Of(report, context, name);
            if (row.Measured is { } measured)
            {
                var error = measured.StandardError is { } e
                    ? $"\u00b1\u00a0{Figures.Fixed(e, row.Definition.Digits)}, "
                    : "";
                yield return Tile(
                    row.Label,
                    Figures.Of(row.Definition, measured.Value),
                    $"{error}{Figures.Count(measured.Images)} images"
                );
            }
        }

        if (report.Size is { FloatBytes: > 0, QuantizedBytes: > 0 } size)
        {
            yield return Tile(
                "Size",
                $"{Figures.Fixed((double)size.FloatBytes / size.QuantizedBytes, 2)}\u00d7 smaller",
                $"{Figures.Bytes(size.FloatBytes)} \u2192 {Figures.Bytes(size.QuantizedBytes)}"
            );
        }

        if (report.Speed is { FloatMilliseconds: > 0, QuantizedMilliseconds: > 0 } speed)
        {
            var isFaster = speed.FloatMilliseconds >= speed.QuantizedMilliseconds;
            var ratio = speed.FloatMilliseconds / speed.QuantizedMilliseconds;
            yield return Tile(
                "Time per step",
                $"{Figures.Fixed(isFaster ? ratio : 1 / ratio, 2)}\u00d7 {(isFaster ? "faster" : "slower")}",
                $"{Figures.Fixed(speed.FloatMilliseconds, 1)} \u2192 {Figures.Fixed(speed.QuantizedMilliseconds, 1)}\u00a0ms"
            );
        }

        string FirstMeasured(params string[] names) =>
            names.FirstOrDefault(n => report.Find(n) is not null) ?? names[0];
    }

    private static Html Tile(string title, string value, string detail) =>
        Html.Of($"<div><dt>{title}</dt><dd>{value}</dd><dd class=\"detail\">{detail}</dd></div>");
}
