namespace DiffusionQuant.Tests.Shared;

/// <summary>One Chromium for all tests of a class.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Switches =
    [
        // Only this project's own pages are opened; as root, and in containers, the sandbox does not start.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];

    private IPlaywright? playwright;
    private IBrowser? browser;

    public async Task InitializeAsync()
    {
        if (Chromium.Program is null)
        {
            // Tests are skipped, or each fails with the reason.
            return;
        }

        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(
            new()
            {
                ExecutablePath = Chromium.Program,
                Args = Switches,
                Timeout = 120_000,
            }
        );
    }

    public async Task DisposeAsync()
    {
        if (browser is not null)
        {
            await browser.DisposeAsync();
        }

        playwright?.Dispose();
    }

    /// <summary>A window of its own, with a desktop's size unless <paramref name="options"/> say otherwise.</summary>
    internal async Task<IBrowserContext> NewContextAsync(BrowserNewContextOptions? options = null)
    {
        Assert.True(browser is not null, Chromium.Advice);
        options ??= new();
        options.ViewportSize ??= new() { Width = 1200, Height = 900 };
        var context = await browser!.NewContextAsync(options);
        // A busy machine is no failure.
        context.SetDefaultTimeout(120_000);
        return context;
    }
}
