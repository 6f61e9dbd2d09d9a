using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;

namespace TextToImage.Web;

/// <summary>A page that draws pictures of prompts.</summary>
internal static class PictureApp
{
    /// <param name="load">Loads the model, with the first prompt.</param>
    /// <param name="url">Where the page is; port 0 for any that is free.</param>
    /// <param name="contentRoot">Where wwwroot is.</param>
    public static WebApplication Create(
        Func<IServiceProvider, DiffusionPipeline> load,
        string url,
        string? contentRoot = null
    )
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { ContentRootPath = contentRoot ?? AppContext.BaseDirectory }
        );
        // A build leaves the page where it is in the project; only publishing copies it beside the app.
        builder.WebHost.UseStaticWebAssets().UseUrls(url);
        // What keeps it from starting is said by Program, in one line.
        builder
            .Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.AddDiffusionImageGenerator(load, options => options.Generation = Drawing.Generation());

        var app = builder.Build();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        // When the browser goes away its token is cancelled, and the generation stops within a step; when the app ends, too.
        var ending = app.Lifetime.ApplicationStopping;
        app.MapGet(
            "/pictures",
            ([AsParameters] PictureRequest request, IImageGenerator generator, CancellationToken cancellation) =>
                TypedResults.ServerSentEvents(PictureEvents.Of(request, generator, ending, cancellation))
        );
        return app;
    }
}
