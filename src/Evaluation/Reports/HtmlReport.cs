using System.Text;
using DiffusionQuant.Evaluation.Reports.Sections;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>
/// Writes <c>report.html</c>: one file that needs no network. All text and numbers are in the markup, so the page can be
/// read without scripts; scripts add the charts, the difference images, and sorting and filtering.
/// </summary>
public static class HtmlReport
{
    /// <summary>The file's usual name.</summary>
    public const string FileName = "report.html";

    /// <summary>Writes a report.</summary>
    /// <param name="report">What was measured.</param>
    /// <param name="folder">The folder that the samples' paths start from.</param>
    /// <param name="path">The file to write; one that is there is replaced once the new one is whole.</param>
    /// <param name="context">What the report says beyond what was measured.</param>
    /// <returns>Warnings, DQ3072: samples that could not be shown, which the report names too.</returns>
    /// <exception cref="DiffusionQuantException">DQ3073: the file cannot be written.</exception>
    public static IReadOnlyList<DiffusionQuantException> Write(
        EvaluationReport report,
        string folder,
        string path,
        ReportContext? context = null
    )
    {
        var samples = SampleSet.Load(report, folder);
        var page = Render(report, samples, context ?? new ReportContext());
        try
        {
            AtomicFile.WriteText(path, page);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ReportErrors.CannotWrite(path, e);
        }

        return samples.Warnings;
    }

    private static string Render(EvaluationReport report, SampleSet samples, ReportContext context)
    {
        var model = report.Model;
        var recipe = string.Join(' ', new[] { model.Bits, model.Method }.Where(s => s is not null));
        var title = recipe.Length > 0 ? $"{model.Name} {recipe}" : model.Name;
        // No request leaves the page, and no script runs but the two that are written here.
        var policy =
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src "
            + $"{PageAssets.PolicyHash(PageAssets.ChartLibrary)} {PageAssets.PolicyHash(PageAssets.Script)}";
        var page = Html.Of(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{policy}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="generator" content="DiffusionQuant {report.ToolVersion}">
            <title>{title}: quality report</title>
            <style>{Html.Trusted(PageAssets.Styles)}</style>
            </head>
            <body>
            <main>
            {VerdictSection.Render(report, context, recipe)}
            {MetricsSection.Render(report, context)}
            {SamplesSection.Render(samples)}
            {TimestepsSection.Render(report)}
            {FallbackSection.Render(report)}
            {LayersSection.Render(report)}
            {ScalesSection.Render(report)}
            {DeviationsSection.Render(report)}
            {ChannelWidthsSection.Render(report)}
            <div class="columns">
            {SizeSection.Render(report)}
            {SpeedSection.Render(report)}
            </div>
            {IdentitySection.Render(report, context)}
            </main>
            <script type="application/json" id="metrics">{Html.Trusted(Embed(report))}</script>
            <script>{Html.Trusted(PageAssets.ChartLibrary)}</script>
            <script type="module">{Html.Trusted(PageAssets.Script)}</script>
            </body>
            </html>

            """
        );
        return page.ToString();
    }

    /// <summary>JSON without a character that could end the script element it stands in; as JSON it says the same.</summary>
    private static string Embed(EvaluationReport report) =>
        new StringBuilder(report.ToJson().Trim())
            .Replace("&", "\\u0026")
            .Replace("<", "\\u003c")
            .Replace(">", "\\u003e")
            .ToString();
}
