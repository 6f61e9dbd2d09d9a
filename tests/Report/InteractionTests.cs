using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Report.Tests;

/// <summary>Sorting, filtering, charts and difference images.</summary>
public sealed class InteractionTests(Browser browser, ReportFiles files)
    : IClassFixture<Browser>,
        IClassFixture<ReportFiles>
{
    private static readonly IReadOnlyList<LayerQuality> Layers = ReportFiles.Fixture.Layers;

    [BrowserFact]
    public async Task Layers_are_sorted_by_a_column_with_mouse_and_keyboard()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        var sqnr = opened.Page.Locator("#layers thead th", new() { HasText = "SQNR" });
        await sqnr.Locator("button").ClickAsync();
        Assert.Equal(Layers.OrderBy(l => l.Sqnr).Select(l => l.Name), await opened.LayersAsync());
        Assert.Equal("ascending", await sqnr.GetAttributeAsync("aria-sort"));

        await sqnr.Locator("button").PressAsync("Enter");
        Assert.Equal(Layers.OrderByDescending(l => l.Sqnr).Select(l => l.Name), await opened.LayersAsync());
        Assert.Equal("descending", await sqnr.GetAttributeAsync("aria-sort"));

        await opened.Page.SelectOptionAsync("#layer-order", new SelectOptionValue { Label = "largest first" });
        Assert.Equal(Layers.OrderByDescending(l => l.Parameters).Select(l => l.Name), await opened.LayersAsync());
        Assert.Null(await sqnr.GetAttributeAsync("aria-sort"));

        await opened.Page.SelectOptionAsync("#layer-order", new SelectOptionValue { Label = "graph" });
        Assert.Equal(Layers.Select(l => l.Name), await opened.LayersAsync());
    }

    [BrowserFact]
    public async Task Layers_without_a_value_stay_last_in_both_directions()
    {
        var layers = new[]
        {
            Layers[0] with
            {
                Name = "unmeasured",
                Sqnr = null,
            },
            Layers[0] with
            {
                Name = "exact",
                Sqnr = double.PositiveInfinity,
            },
            Layers[0] with
            {
                Name = "poor",
                Sqnr = -3,
            },
        };
        await using var opened = await OpenPage.OfAsync(
            browser,
            files.Write(ReportFiles.Fixture with { Layers = layers })
        );
        var sqnr = opened.Page.Locator("#layers thead th", new() { HasText = "SQNR" }).Locator("button");
        await sqnr.ClickAsync();
        Assert.Equal(["poor", "exact", "unmeasured"], await opened.LayersAsync());
        await sqnr.ClickAsync();
        Assert.Equal(["exact", "poor", "unmeasured"], await opened.LayersAsync());
        Assert.Empty(opened.Complaints);
    }

    [BrowserFact]
    public async Task Layers_are_filtered_by_words_and_by_bits()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        await opened.Page.FillAsync("#layer-filter", "MATMUL attention");
        var both = Layers.Where(l => l.Name.Contains("attention") && l.Operator == "MatMul").Select(l => l.Name);
        Assert.Equal(both, await opened.LayersAsync());
        Assert.Equal($"2 of {Layers.Count} layers", await opened.Page.InnerTextAsync("#layer-count"));

        await opened.Page.FillAsync("#layer-filter", "");
        await opened.Page.SelectOptionAsync("#layer-bits", "8");
        Assert.Equal(Layers.Where(l => l.WeightBits == 8).Select(l => l.Name), await opened.LayersAsync());

        await opened.Page.FillAsync("#layer-filter", "no such layer");
        Assert.Empty(await opened.LayersAsync());
        Assert.Empty(opened.Complaints);
    }

    [BrowserFact]
    public async Task Charts_draw_the_values_and_follow_the_filter()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        Assert.True(await opened.PixelsOfAsync("#timesteps-chart", "--accent") > 300);
        var before = await opened.PixelsOfAsync("#layers-chart", "--bits-4");
        Assert.True(before > 10_000, $"{before}");
        Assert.True(await opened.PixelsOfAsync("#bits-chart", "--bits-8") > 1_000);

        await opened.Page.SelectOptionAsync("#layer-bits", "8");
        Assert.Equal(0, await opened.PixelsOfAsync("#layers-chart", "--bits-4"));
        Assert.True(await opened.PixelsOfAsync("#layers-chart", "--bits-8") > 1_000);
    }

    [BrowserFact]
    public async Task Bars_are_as_high_as_their_values()
    {
        var layers = new[] { Layers[0] with { Sqnr = 40 }, Layers[0] with { Sqnr = 10 } };
        await using var opened = await OpenPage.OfAsync(
            browser,
            files.Write(ReportFiles.Fixture with { Layers = layers })
        );
        Assert.Equal(4, layers[0].WeightBits);
        var heights = await opened.Page.EvaluateAsync<double[]>(
            """
            () => {
                const canvas = document.querySelector("#layers-chart canvas");
                const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                const wanted = getComputedStyle(document.documentElement).getPropertyValue("--bits-4").trim();
                const rgb = [1, 3, 5].map(i => parseInt(wanted.slice(i, i + 2), 16));
                const columns = Array.from({ length: width }, (_, x) => {
                    let n = 0;
                    for (let y = 0; y < height; y++) {
                        n += rgb.every((v, c) => data[4 * (y * width + x) + c] === v) ? 1 : 0;
                    }
                    return n;
                });
                return [Math.max(...columns.slice(0, width / 2)), Math.max(...columns.slice(width / 2))];
            }
            """
        );
        Assert.InRange(heights[0] / heights[1], 3.85, 4.15);
    }

    [BrowserFact]
    public async Task Pointing_at_a_bar_names_its_layer()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        await opened.Page.SelectOptionAsync("#layer-bits", "8");
        var plot = opened.Page.Locator("#layers-chart .u-over");
        var box = (await plot.BoundingBoxAsync())!;
        await plot.HoverAsync(
            new()
            {
                Position = new() { X = box.Width * 0.2f, Y = box.Height / 2 },
            }
        );
        var first = Layers.First(l => l.WeightBits == 8);
        await Assertions.Expect(opened.Page.Locator("#layers-readout")).ToContainTextAsync($"{first.Name}: ");
        await plot.ClickAsync(
            new()
            {
                Position = new() { X = box.Width * 0.2f, Y = box.Height / 2 },
            }
        );
        Assert.StartsWith(first.Name, await opened.Page.InnerTextAsync("#layers tr.chosen th"));
    }

    [BrowserFact]
    public async Task Differences_are_absolute_and_amplified()
    {
        // Gray values 0, 40, 80 … against the same with a known error, mostly 3 and once -20.
        var before = Enumerable.Range(0, 12).Select(i => (byte)(20 + (i * 20))).ToArray();
        var after = before.Select((v, i) => (byte)(i == 5 ? v - 20 : v + 3)).ToArray();
        PngWriter.Save(files.At("a.png"), before, 4, 3, 1);
        PngWriter.Save(files.At("b.png"), after, 4, 3, 1);
        var report = ReportFiles.Fixture with { Samples = [new(7, "a.png", "b.png", 30)] };
        await using var opened = await OpenPage.OfAsync(browser, files.Write(report, samples: files.At("")));
        await opened.WaitForDifferencesAsync();

        // One value in twelve is more than one in a hundred: 20 · 8 fits into 255, 20 · 16 does not.
        Assert.Equal("8", await opened.Page.InnerTextAsync("#difference-factor"));
        Assert.Equal(Expected(8), await PixelsAsync(opened));
        await opened.Page.SelectOptionAsync("#amplify", "16");
        Assert.Equal(Expected(16), await PixelsAsync(opened));
        Assert.Equal("16", await opened.Page.InnerTextAsync("#difference-factor"));

        int[] Expected(int factor) => [.. before.Zip(after, (a, b) => Math.Min(255, Math.Abs(a - b) * factor))];
    }

    [BrowserFact]
    public async Task A_sample_is_enlarged_and_closed_again()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write());
        await opened.WaitForDifferencesAsync();
        await opened.Page.Locator(".samples button").Nth(2).ClickAsync();
        Assert.Contains("Image 2", await opened.Page.InnerTextAsync("#enlarged-title"));
        Assert.Equal(2, await opened.Page.Locator("#enlarged img").CountAsync());
        Assert.Equal(1, await opened.Page.Locator("#enlarged canvas").CountAsync());
        await opened.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(opened.Page.Locator("#enlarged")).ToBeHiddenAsync();
    }

    private static Task<int[]> PixelsAsync(OpenPage opened) =>
        opened.Page.EvaluateAsync<int[]>(
            """
            () => {
                const canvas = document.querySelector(".samples canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return [...data].filter((_, i) => i % 4 === 0);
            }
            """
        );
}
