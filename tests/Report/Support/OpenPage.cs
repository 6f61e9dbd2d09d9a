using System.Collections.Concurrent;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Report.Tests;

/// <summary>A page in the browser that remembers what it complained of and what it asked for.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    private readonly IBrowserContext context;
    private readonly ConcurrentQueue<string> complaints = [];
    private readonly ConcurrentQueue<string> requests = [];

    private OpenPage(IBrowserContext context, IPage page)
    {
        this.context = context;
        Page = page;
        page.Console += (_, message) => complaints.Enqueue($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => complaints.Enqueue(error);
        page.Request += (_, request) => requests.Enqueue(request.Url);
    }

    public IPage Page { get; }

    /// <summary>All that the page wrote to the console, and all errors.</summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    /// <summary>What the page asked for, itself and embedded data aside.</summary>
    public IReadOnlyCollection<string> Requests =>
        [.. requests.Where(url => url != Page.Url && !url.StartsWith("data:") && !url.StartsWith("blob:"))];

    /// <summary>Opens a report without a network, as a desktop shows it or as <paramref name="options"/> say.</summary>
    public static async Task<OpenPage> OfAsync(Browser browser, string file, BrowserNewContextOptions? options = null)
    {
        options ??= new();
        options.Offline = true;
        var context = await browser.NewContextAsync(options);
        var opened = new OpenPage(context, await context.NewPageAsync());
        await opened.Page.GotoAsync(new Uri(Path.GetFullPath(file)).AbsoluteUri);
        return opened;
    }

    /// <summary>How many pixels of a chart have a colour of the style sheet.</summary>
    public Task<int> PixelsOfAsync(string chart, string colorName) =>
        Page.EvaluateAsync<int>(
            """
            ([chart, name]) => {
                const probe = document.createElement("span");
                probe.style.color = `var(${name})`;
                document.body.append(probe);
                const wanted = getComputedStyle(probe).color.match(/\d+/g).map(Number);
                probe.remove();
                const canvas = document.querySelector(`${chart} canvas`);
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let count = 0;
                for (let i = 0; i < data.length; i += 4) {
                    count += data[i + 3] === 255 && wanted.every((v, c) => Math.abs(data[i + c] - v) <= 2) ? 1 : 0;
                }
                return count;
            }
            """,
            new[] { chart, colorName }
        );

    /// <summary>Names of the layers that are shown, from the top.</summary>
    public async Task<string[]> LayersAsync() =>
        await Page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('#layers tbody tr:not([hidden]) th')].map(th => th.firstChild.textContent)"
        );

    /// <summary>Waits until the difference images are drawn, which is the last thing the page does.</summary>
    public Task WaitForDifferencesAsync() => Page.Locator("#difference-factor:not(:empty)").WaitForAsync();

    /// <summary>Keeps a picture of the page in the test's output, to look at.</summary>
    public Task SaveScreenshotAsync(string name) =>
        Page.ScreenshotAsync(
            new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", $"{name}.png"), FullPage = true }
        );

    public ValueTask DisposeAsync() => context.DisposeAsync();
}
