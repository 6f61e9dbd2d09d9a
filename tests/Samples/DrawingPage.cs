using System.Collections.Concurrent;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Samples.Tests;

/// <summary>The sample's page in the browser.</summary>
internal sealed class DrawingPage : IAsyncDisposable
{
    private readonly IBrowserContext context;
    private readonly ConcurrentQueue<string> complaints = [];
    private readonly ConcurrentQueue<string> requests = [];

    private DrawingPage(IBrowserContext context, IPage page)
    {
        this.context = context;
        Page = page;
        page.Console += (_, message) => complaints.Enqueue($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => complaints.Enqueue(error);
        page.Request += (_, request) => requests.Enqueue(request.Url);
    }

    public IPage Page { get; }

    public ILocator Status => Page.Locator("#status");

    public ILocator Fault => Page.Locator("#fault");

    public ILocator Warnings => Page.Locator("#warnings li");

    public ILocator Pictures => Page.Locator("#pictures img");

    /// <summary>All that the page wrote to the console, and all errors.</summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    /// <summary>All that it asked for, embedded data aside.</summary>
    public IReadOnlyCollection<string> Requests => [.. requests.Where(url => !url.StartsWith("data:"))];

    public static async Task<DrawingPage> OpenAsync(
        Browser browser,
        string address,
        BrowserNewContextOptions? options = null
    )
    {
        var context = await browser.NewContextAsync(options);
        var opened = new DrawingPage(context, await context.NewPageAsync());
        await opened.Page.GotoAsync(address);
        return opened;
    }

    /// <summary>Fills the form in and sends it.</summary>
    public async Task DrawAsync(string prompt, int count = 1, int steps = 2, int seed = 1)
    {
        await Page.GetByLabel("Prompt").FillAsync(prompt);
        await Page.GetByLabel("Pictures", new() { Exact = true }).And(Page.Locator("input")).FillAsync($"{count}");
        await Page.GetByLabel("Steps", new() { Exact = true }).FillAsync($"{steps}");
        await Page.GetByLabel("Seed").FillAsync($"{seed}");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Draw" }).ClickAsync();
    }

    /// <summary>Waits until that many pictures are there and shown.</summary>
    public async Task WaitForPicturesAsync(int count)
    {
        // A busy machine is no failure.
        await Assertions.Expect(Pictures).ToHaveCountAsync(count, new() { Timeout = 120_000 });
        await Page.WaitForFunctionAsync(
            "() => [...document.querySelectorAll('#pictures img')].every(i => i.complete && i.naturalWidth === 64)"
        );
    }

    /// <summary>Keeps a picture of the page in the test's output, to look at.</summary>
    public Task SaveScreenshotAsync(string name) =>
        Page.ScreenshotAsync(
            new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", $"{name}.png"), FullPage = true }
        );

    public ValueTask DisposeAsync() => context.DisposeAsync();
}
