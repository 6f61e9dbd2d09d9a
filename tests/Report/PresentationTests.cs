using DiffusionQuant.Evaluation;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Report.Tests;

/// <summary>Screens, colour schemes, paper, and pages that others want to break.</summary>
public sealed class PresentationTests(Browser browser, ReportFiles files)
    : IClassFixture<Browser>,
        IClassFixture<ReportFiles>
{
    private static readonly EvaluationReport Report = ReportFiles.Fixture;

    [BrowserFact]
    public async Task The_page_needs_no_network_and_complains_of_nothing()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write(context: ReportFiles.Failing));
        await opened.WaitForDifferencesAsync();
        await opened.SaveScreenshotAsync("desktop-light-fails");
        Assert.Empty(opened.Requests);
        Assert.Empty(opened.Complaints);
        Assert.Contains("Fails", await opened.Page.InnerTextAsync(".verdict strong"));
    }

    [BrowserFact]
    public async Task Phones_show_all_without_scrolling_sideways()
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await using var opened = await OpenPage.OfAsync(
                browser,
                files.Write(context: ReportFiles.Failing),
                Phone(scheme)
            );
            await opened.WaitForDifferencesAsync();
            await opened.SaveScreenshotAsync($"phone-{scheme.ToString().ToLowerInvariant()}-fails");
            Assert.Equal(390, await WidthAsync(opened));
            // The numbers that matter are on the screen, not beside it.
            var box = await opened.Page.Locator("#layers tbody tr").First.Locator("td").Last.BoundingBoxAsync();
            Assert.True(box!.X + box.Width <= 390);
        }
    }

    [BrowserFact]
    public async Task Dark_mode_applies_to_page_and_charts_at_once()
    {
        await using var opened = await OpenPage.OfAsync(
            browser,
            files.Write(context: ReportFiles.Passing),
            new() { ColorScheme = ColorScheme.Dark }
        );
        await opened.WaitForDifferencesAsync();
        await opened.SaveScreenshotAsync("desktop-dark-passes");
        Assert.True(await BrightnessAsync(opened) < 50);
        Assert.True(await opened.PixelsOfAsync("#timesteps-chart", "--accent") > 300);

        await opened.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        Assert.True(await BrightnessAsync(opened) > 230);
        await opened.Page.WaitForFunctionAsync("() => new Promise(r => requestAnimationFrame(() => r(true)))");
        Assert.True(await opened.PixelsOfAsync("#timesteps-chart", "--accent") > 300);
    }

    [BrowserFact]
    public async Task Text_stands_out_from_its_background()
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var context in new[] { ReportFiles.Failing, ReportFiles.Passing })
            {
                await using var opened = await OpenPage.OfAsync(
                    browser,
                    files.Write(context: context),
                    new() { ColorScheme = scheme }
                );
                var faint = await opened.Page.EvaluateAsync<string[]>(FaintTexts);
                Assert.True(faint.Length == 0, $"{scheme}: {string.Join("; ", faint)}");
            }
        }
    }

    [BrowserFact]
    public async Task Without_scripts_all_values_can_be_read()
    {
        await using var opened = await OpenPage.OfAsync(browser, files.Write(), new() { JavaScriptEnabled = false });
        var psnr = opened.Page.Locator("tr[data-metric='psnr'] td[data-label='Quantized']");
        await Assertions.Expect(psnr).ToBeVisibleAsync();
        await Assertions.Expect(opened.Page.Locator("#layers tbody tr").First).ToBeVisibleAsync();
        await Assertions.Expect(opened.Page.Locator("#layer-filter")).ToBeHiddenAsync();
        await Assertions.Expect(opened.Page.Locator("#amplify")).ToBeHiddenAsync();
        Assert.Equal(Report.Samples.Count * 2, await opened.Page.Locator(".samples img:visible").CountAsync());
    }

    [BrowserFact]
    public async Task Paper_shows_every_layer_in_light_colours()
    {
        await using var opened = await OpenPage.OfAsync(
            browser,
            files.Write(),
            new() { ColorScheme = ColorScheme.Dark }
        );
        await opened.WaitForDifferencesAsync();
        await opened.Page.EvaluateAsync("dispatchEvent(new Event('beforeprint'))");
        await opened.Page.EmulateMediaAsync(new() { Media = Media.Print, ColorScheme = ColorScheme.Dark });
        var (frame, table) = (
            await opened.Page.Locator(".scroll.tall").BoundingBoxAsync(),
            await opened.Page.Locator("#layers").BoundingBoxAsync()
        );
        Assert.True(frame!.Height >= table!.Height);
        await Assertions.Expect(opened.Page.Locator("#timesteps")).ToBeVisibleAsync();
        Assert.True(await opened.PixelsOfAsync("#timesteps-chart", "--accent") > 300);
        Assert.Equal("#1b2126", await ColorAsync(opened, "--ink"));
        await opened.Page.EvaluateAsync("dispatchEvent(new Event('afterprint'))");
        Assert.Equal("#e3e7e9", await ColorAsync(opened, "--ink"));
        await Assertions.Expect(opened.Page.Locator("#timesteps")).ToBeHiddenAsync();
    }

    [BrowserFact]
    public async Task Hundreds_of_layers_with_long_names_stay_usable()
    {
        var layers = Enumerable
            .Range(0, 900)
            .Select(i =>
                Report.Layers[i % Report.Layers.Count] with
                {
                    Name =
                        $"/unet/down_blocks.{i}/attentions.1/transformer_blocks.9/ff/net.0/proj/MatMul_quantized_{i}",
                }
            )
            .ToArray();
        await using var opened = await OpenPage.OfAsync(
            browser,
            files.Write(Report with { Layers = layers }),
            Phone(ColorScheme.Light)
        );
        Assert.Equal(390, await WidthAsync(opened));
        Assert.True((await opened.Page.Locator(".scroll.tall").BoundingBoxAsync())!.Height <= 500);
        await opened.Page.FillAsync("#layer-filter", "blocks.89");
        Assert.Equal(layers.Where(l => l.Name.Contains("blocks.89")).Select(l => l.Name), await opened.LayersAsync());
        Assert.Empty(opened.Complaints);
    }

    [BrowserFact]
    public async Task Text_of_a_model_stays_text()
    {
        const string Hostile =
            "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\" onclick=\"window.broken = 1\" <!-- &amp;";
        var report = Report with
        {
            Model = Report.Model with { Name = Hostile },
            Command = Hostile,
            Notes = [Hostile],
            Layers = [Report.Layers[0] with { Name = Hostile, Operator = Hostile }],
            Size = Report.Size! with { Parts = [new(Hostile, 1)] },
        };
        var context = ReportFiles.Failing with
        {
            Failures = [Hostile],
            VerifiedFile = Hostile,
            AcceptCommand = Hostile,
        };
        await using var opened = await OpenPage.OfAsync(browser, files.Write(report, context));
        await opened.WaitForDifferencesAsync();
        Assert.Equal([Hostile], await opened.LayersAsync());
        Assert.Equal(Hostile, await opened.Page.TextContentAsync("#command"));
        Assert.Equal(Hostile, await opened.Page.Locator(".notes li").TextContentAsync());
        Assert.Equal(
            Hostile,
            await opened.Page.EvaluateAsync<string>(
                "JSON.parse(document.getElementById('metrics').textContent).command"
            )
        );
        Assert.True(await opened.Page.EvaluateAsync<bool>("window.broken === undefined"));
        // A script that came in all the same would not run: the page allows its own two by their hashes.
        await opened.Page.EvaluateAsync(
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.broken = 1' }))"
        );
        Assert.True(await opened.Page.EvaluateAsync<bool>("window.broken === undefined"));
    }

    [BrowserFact]
    public async Task A_report_of_little_is_a_page_too()
    {
        var little = new EvaluationReport
        {
            ToolVersion = Report.ToolVersion,
            RuntimeVersion = Report.RuntimeVersion,
            Device = Report.Device,
            Model = Report.Model,
            Sampling = Report.Sampling,
            Metrics = [new("psnr", double.PositiveInfinity, 4)],
            Timesteps = [new(500, double.PositiveInfinity, 0)],
        };
        await using var opened = await OpenPage.OfAsync(browser, files.Write(little));
        Assert.StartsWith("\u221e\u00a0dB", await opened.Page.InnerTextAsync("td[data-label='Quantized']"));
        Assert.Empty(opened.Complaints);
    }

    private static BrowserNewContextOptions Phone(ColorScheme scheme) =>
        new()
        {
            ViewportSize = new() { Width = 390, Height = 844 },
            DeviceScaleFactor = 2,
            IsMobile = true,
            HasTouch = true,
            ColorScheme = scheme,
        };

    private static Task<int> WidthAsync(OpenPage opened) =>
        opened.Page.EvaluateAsync<int>("Math.max(document.documentElement.scrollWidth, innerWidth)");

    private static Task<int> BrightnessAsync(OpenPage opened) =>
        opened.Page.EvaluateAsync<int>(
            "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"
        );

    private static Task<string> ColorAsync(OpenPage opened, string name) =>
        opened.Page.EvaluateAsync<string>(
            "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()",
            name
        );

    /// <summary>Texts whose contrast is under 4.5 to 1, the limit of WCAG 2.2 (1.4.3) for normal text.</summary>
    private const string FaintTexts = """
        () => {
            const parse = color => color.match(/[\d.]+/g).map(Number);
            const luminance = ([r, g, b]) => {
                const linear = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
            };
            const background = element => {
                for (let e = element; e; e = e.parentElement) {
                    const color = parse(getComputedStyle(e).backgroundColor);
                    if (color.length === 3 || color[3] === 1) {
                        return color;
                    }
                }
                return [255, 255, 255];
            };
            const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
            const faint = new Set();
            while (walker.nextNode()) {
                const element = walker.currentNode.parentElement;
                if (walker.currentNode.textContent.trim() === "" || !element.checkVisibility()) {
                    continue;
                }
                const [a, b] = [parse(getComputedStyle(element).color), background(element)].map(luminance);
                const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (contrast < 4.5) {
                    faint.add(`${walker.currentNode.textContent.trim()} ${contrast.toFixed(2)}`);
                }
            }
            return [...faint];
        }
        """;
}
