namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Everything that is needed to measure it again, and to know whether two reports may be compared.</summary>
internal static class IdentitySection
{
    public static Html Render(EvaluationReport report, ReportContext context) =>
        Html.Of(
            $"""
            <section aria-labelledby="identity-title">
            <h2 id="identity-title">To repeat this run</h2>
            {Command(report)}
            <div class="facts">
            {Group("Model", Model(report.Model))}
            {(report.Float is { } before ? Group("Float model", Model(before)) : default)}
            {Group("Sampling", report.Sampling.Settings.Select(s => (Sentence(s.Key), (string?)s.Value)))}
            {(
                report.Extractor is { } e
                    ? Group(
                        "Extractor",
                        [
                            ("Name", e.Name),
                            ("Standard", e.IsStandardInception ? "Inception of 2015" : "no"),
                            ("SHA-256", e.Sha256),
                        ]
                    )
                    : default
            )}
            {(
                report.Reference is { } r
                    ? Group("Reference", [("Name", r.Name), ("Images", Figures.Count(r.Images)), ("SHA-256", r.Sha256)])
                    : default
            )}
            {(report.Clip is { } clip ? Group("CLIP model", [("Name", clip.Name), ("SHA-256", clip.Sha256)]) : default)}
            {Group(
                "Made with",
                [
                    ("DiffusionQuant", report.ToolVersion),
                    ("ONNX Runtime", report.RuntimeVersion),
                    ("Device", report.Device),
                    ("Snapshot", context.VerifiedFile),
                ]
            )}
            </div>
            <p class="scripted"><a id="download" download="{EvaluationReport.FileName}">Save {EvaluationReport.FileName}</a></p>
            </section>
            """
        );

    private static Html Command(EvaluationReport report) =>
        report.Command is { } command
            ? Html.Of(
                $"""
                <div class="command"><pre tabindex="0"><code id="command">{command}</code></pre><button type="button" class="scripted" id="copy">Copy</button></div>
                """
            )
            : default;

    private static IEnumerable<(string Name, string? Value)> Model(ModelIdentity model) =>
        [
            ("Name", model.Name),
            ("Bits", model.Bits),
            ("Method", model.Method),
            ("Size", $"{Figures.Count(model.Bytes)} bytes"),
            ("SHA-256", model.Sha256),
            ("Recipe", model.RecipeHash),
        ];

    private static Html Group(string title, IEnumerable<(string Name, string? Value)> facts) =>
        Html.Of(
            $"""
            <div><h3>{title}</h3><dl>
            {Html.Lines(facts.Where(f => f.Value is not null).Select(Fact))}
            </dl></div>
            """
        );

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static Html Fact((string Name, string? Value) fact) =>
        Html.Of(
            $"<dt>{fact.Name}</dt><dd{(fact.Value!.Length == 64 ? Html.Of($" class=\"hash\"") : default)}>{fact.Value}</dd>"
        );
}
