using DiffusionQuant.Diffusion;
using DiffusionQuant.Tests.Shared;
using TextToImage;
using TextToImage.Web;

namespace DiffusionQuant.Samples.Tests;

/// <summary>The sample's web app in this process, on a port of its own. It draws with the float model: quantizing takes minutes.</summary>
public sealed class TextToImageApp : IAsyncLifetime
{
    private WebApplication? app;

    /// <summary>The sample's folder.</summary>
    public static string Folder { get; } = Path.Combine(Snapshot.Root, "samples", "TextToImage");

    /// <summary>Where the page is.</summary>
    public string Address => app!.Urls.Single();

    public Task InitializeAsync()
    {
        var model = Path.Combine(Folder, "Models", "sd-clothes");
        app = PictureApp.Create(_ => DiffusionPipeline.Load(model, Drawing.Pipeline), "http://127.0.0.1:0", Folder);
        return app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await app!.StopAsync();
        await app.DisposeAsync();
    }
}
