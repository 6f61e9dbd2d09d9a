using System.Globalization;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Report.Tests;

/// <summary>What the browser shows is what <c>metrics.json</c> says.</summary>
public sealed class ShownValuesTests(Browser browser, ReportFiles files)
    : IClassFixture<Browser>,
        IClassFixture<ReportFiles>
{
    private static readonly EvaluationReport Report = ReportFiles.Fixture;

    [BrowserFact]
    public async Task Metrics_are_shown_rounded_to_their_digits()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write(context: ReportFiles.Failing));
        foreach (var (title, metrics) in new[] { ("Quantized", Report.Metrics), ("Float", Report.FloatMetrics) })
        {
            foreach (var metric in metrics)
            {
                var cell = opened.Page.Locator($"tr[data-metric='{metric.Name}'] td[data-label='{title}']");
                Assert.Equal(metric.Value, Number(await cell.GetAttributeAsync("data-value")));
                var digits = MetricCatalog.Find(metric.Name).Digits;
                Assert.StartsWith(
                    metric.Value.ToString($"F{digits}", CultureInfo.InvariantCulture),
                    await cell.InnerTextAsync()
                );
            }
        }

        foreach (var verified in ReportFiles.Failing.Verified)
        {
            var row = opened.Page.Locator($"tr[data-metric='{verified.Metric}']");
            var value = await row.Locator("td[data-label='Verified']").GetAttributeAsync("data-value");
            Assert.Equal(verified.Value, Number(value));
        }

        Assert.Equal(
            Report.Metrics.Select(m => m.Name),
            await opened.Page.EvaluateAsync<string[]>(
                "[...document.querySelectorAll('tr[data-metric]')].map(row => row.dataset.metric)"
            )
        );
    }

    [BrowserFact]
    public async Task Layers_timesteps_sizes_and_times_are_all_shown()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        var layers = await ValuesAsync(opened, "#layers tbody tr", "td");
        Assert.Equal(Report.Layers.Count, layers.Length);
        Assert.Equal(Report.Layers.Select(l => l.Name), await opened.LayersAsync());
        foreach (var (layer, shown) in Report.Layers.Zip(layers))
        {
            Assert.Equal(layer.WeightBits, Number(shown[1]));
            Assert.Equal(layer.ActivationBits, Number(shown[2]));
            Assert.Equal(layer.Sqnr, Number(shown[3]));
            Assert.Equal(layer.Parameters, Number(shown[4]));
        }

        await opened.Page.ClickAsync("details summary");
        var timesteps = await opened.Page.Locator("#timesteps tbody tr").AllInnerTextsAsync();
        Assert.Equal(
            Report.Timesteps.Select(t => $"{t.Timestep}\t{t.Sqnr.ToString("F2", CultureInfo.InvariantCulture)}"),
            timesteps.Select(t => t[..t.LastIndexOf('\t')])
        );

        var parts = await ValuesAsync(opened, "#size tbody tr", "td[data-value]");
        Assert.Equal(Report.Size!.Parts.Select(p => (double?)p.Bytes), parts.Select(p => Number(p[0])));
        var bars = await ValuesAsync(opened, ".bars", "dd");
        Assert.Equal([Report.Size.FloatBytes, Report.Size.QuantizedBytes], bars[0].Select(v => (long)Number(v)!));
        Assert.Equal(
            [Report.Speed!.FloatMilliseconds, Report.Speed.QuantizedMilliseconds],
            bars[1].Select(v => Number(v)!.Value)
        );
    }

    [BrowserFact]
    public async Task What_repeats_the_run_is_all_there()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        Assert.Equal(Report.Command, await opened.Page.InnerTextAsync("#command"));
        var text = await opened.Page.InnerTextAsync("section[aria-labelledby='identity-title']");
        string[] needed =
        [
            Report.Model.Sha256,
            Report.Model.RecipeHash!,
            Report.Float!.Sha256,
            Report.Sampling.TimestepsSha256,
            Report.Extractor!.Sha256,
            Report.Reference!.Sha256,
            Report.ToolVersion,
            Report.RuntimeVersion,
        ];
        Assert.All(needed, n => Assert.Contains(n, text));
        var notes = await opened.Page.Locator(".notes li").AllInnerTextsAsync();
        Assert.Equal(Report.Notes, notes);
    }

    [BrowserFact]
    public async Task The_page_gives_its_metrics_back()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        var download = await opened.Page.RunAndWaitForDownloadAsync(() => opened.Page.ClickAsync("#download"));
        var saved = await File.ReadAllTextAsync((await download.PathAsync())!);
        Assert.Equal(EvaluationReport.FileName, download.SuggestedFilename);
        Assert.Equal(Report.ToJson(), EvaluationReport.Parse(saved).ToJson());
    }

    private static double? Number(string? exact) =>
        exact is null ? null : double.Parse(exact, CultureInfo.InvariantCulture);

    private static Task<string?[][]> ValuesAsync(OpenPage opened, string groups, string cells) =>
        opened.Page.EvaluateAsync<string?[][]>(
            "([groups, cells]) => [...document.querySelectorAll(groups)].map(g => [...g.querySelectorAll(cells)].map(c => c.dataset.value ?? null))",
            new[] { groups, cells }
        );
}
