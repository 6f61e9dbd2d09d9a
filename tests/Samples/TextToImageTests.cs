using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Samples.Tests;

/// <summary>The text-to-image sample's page in a real browser, with its real model.</summary>
public sealed class TextToImageTests(Browser browser, TextToImageApp app)
    : IClassFixture<Browser>,
        IClassFixture<TextToImageApp>
{
    private const string Prompt = "a blue bag on a green background";

    [BrowserFact]
    public async Task A_prompt_becomes_pictures_and_the_page_tells_how_far_it_is()
    {
        await using var opened = await OpenAsync();
        await opened.Page.EvaluateAsync(
            """
            () => {
                window.seen = [];
                const step = document.getElementById("step");
                new MutationObserver(() => seen.push(step.textContent)).observe(step, { childList: true });
            }
            """
        );
        await opened.DrawAsync(Prompt, count: 2, steps: 4);
        await opened.WaitForPicturesAsync(2);
        var seen = await opened.Page.EvaluateAsync<string[]>("seen.filter(text => text !== '')");
        Assert.Equal(["step 1 of 4", "step 2 of 4", "step 3 of 4", "step 4 of 4"], seen);
        Assert.Matches(@"^2 pictures in [\d.]+ s, seed 1\.$", await opened.Status.InnerTextAsync());
        await Assertions.Expect(opened.Page.Locator("#work")).ToBeHiddenAsync();
        Assert.Equal($"{Prompt} (1 of 2)", await opened.Pictures.First.GetAttributeAsync("alt"));

        // The seed makes them again.
        var first = await opened.Pictures.First.GetAttributeAsync("src");
        await opened.DrawAsync(Prompt, count: 1, steps: 4);
        await opened.WaitForPicturesAsync(1);
        Assert.Equal(first, await opened.Pictures.First.GetAttributeAsync("src"));

        Assert.All(opened.Requests, url => Assert.StartsWith(app.Address, url));
        Assert.Empty(opened.Complaints);
    }

    [BrowserFact]
    public async Task What_is_wrong_is_shown()
    {
        await using var opened = await OpenAsync();
        await opened.DrawAsync("  ");
        await Assertions.Expect(opened.Fault).ToContainTextAsync("prompt is empty");
        await Assertions.Expect(opened.Pictures).ToHaveCountAsync(0);

        // What the browser would not send, and the library refuses.
        await opened.Page.EvaluateAsync("document.getElementById('form').noValidate = true");
        await opened.DrawAsync(Prompt, steps: 0);
        await Assertions.Expect(opened.Fault).ToContainTextAsync("DQ1049");

        await opened.DrawAsync(string.Join(' ', Enumerable.Repeat("red", 100)));
        await opened.WaitForPicturesAsync(1);
        await Assertions.Expect(opened.Warnings).ToContainTextAsync("DQ1068");
        await Assertions.Expect(opened.Fault).ToBeEmptyAsync();
        await opened.SaveScreenshotAsync("warning");
    }

    [BrowserFact]
    public async Task Stopping_and_closing_the_page_stop_the_work()
    {
        // So much that the next picture would come long after this test has given up.
        const int Steps = 500;
        await using var opened = await OpenAsync();
        await opened.DrawAsync(Prompt, count: 16, steps: Steps);
        await opened.Page.GetByText($"of {Steps}").WaitForAsync();
        await opened.SaveScreenshotAsync("at-work");
        await opened.Page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        Assert.Equal("Stopped.", await opened.Status.InnerTextAsync());
        await opened.DrawAsync(Prompt);
        await opened.WaitForPicturesAsync(1);

        await opened.DrawAsync(Prompt, count: 16, steps: Steps);
        await opened.Page.GetByText($"of {Steps}").WaitForAsync();
        await opened.Page.CloseAsync();
        await using var other = await OpenAsync();
        await other.DrawAsync(Prompt);
        await other.WaitForPicturesAsync(1);
    }

    [Fact]
    public async Task The_app_ends_at_once_while_it_draws()
    {
        var own = new TextToImageApp();
        await own.InitializeAsync();
        using var client = new HttpClient();
        await using var events = await client.GetStreamAsync($"{own.Address}/pictures?prompt=bag&count=16&steps=500");
        using var reader = new StreamReader(events);
        Assert.Equal("event: progress", await reader.ReadLineAsync());
        // A host waits 30 seconds for requests that do not end.
        await own.DisposeAsync().WaitAsync(TimeSpan.FromSeconds(25));
    }

    [BrowserFact]
    public async Task It_fits_phones_and_desktops_light_and_dark()
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var width in new[] { 360, 1200 })
            {
                var options = new BrowserNewContextOptions
                {
                    ColorScheme = scheme,
                    ViewportSize = new() { Width = width, Height = 800 },
                };
                await using var opened = await OpenAsync(options);
                await opened.DrawAsync(Prompt, count: 4);
                await opened.WaitForPicturesAsync(4);
                await opened.SaveScreenshotAsync($"{scheme.ToString().ToLowerInvariant()}-{width}");
                Assert.Equal(width, await opened.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
            }
        }
    }

    private Task<DrawingPage> OpenAsync(BrowserNewContextOptions? options = null) =>
        DrawingPage.OpenAsync(browser, app.Address, options);
}
