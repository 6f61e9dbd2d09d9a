using System.Diagnostics.CodeAnalysis;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Extensions.AI;
using Microsoft.Extensions.AI;

// Where apps that register services find it without a further using, as with other packages.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers local diffusion models as image generators.</summary>
[Experimental(Experiments.ImageGeneration)]
public static class DiffusionImageGeneratorServiceCollectionExtensions
{
    /// <summary>Registers a model as the app's <see cref="IImageGenerator"/>: a singleton that loads the model with the first
    /// request and frees it with the services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">A model folder or an <c>.onnx</c> file. A relative one is looked for beside the app, where builds put
    /// quantized models, and then in the working directory.</param>
    /// <param name="configure">Sets device, threads, and what holds where a request says nothing.</param>
    public static IServiceCollection AddDiffusionImageGenerator(
        this IServiceCollection services,
        string path,
        Action<DiffusionImageGeneratorOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        var make = FromPath(path, configure);
        return services.AddSingleton<IImageGenerator>(_ => make());
    }

    /// <summary>Registers a model as the app's <see cref="IImageGenerator"/>: a singleton that loads the model with the first
    /// request and frees it with the services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="load">Loads the model, as in <c>_ =&gt; DiffusionModels.SdClothes.Load()</c>; the pipeline is the generator's.</param>
    /// <param name="configure">Sets the model's name, and what holds where a request says nothing.</param>
    public static IServiceCollection AddDiffusionImageGenerator(
        this IServiceCollection services,
        Func<IServiceProvider, DiffusionPipeline> load,
        Action<DiffusionImageGeneratorOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        var options = Configured(configure);
        return services.AddSingleton<IImageGenerator>(s => DiffusionImageGenerator.Lazy(() => load(s), null, options));
    }

    /// <summary>Registers a model as the <see cref="IImageGenerator"/> of a key.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key.</param>
    /// <param name="path">As without a key.</param>
    /// <param name="configure">As without a key.</param>
    public static IServiceCollection AddKeyedDiffusionImageGenerator(
        this IServiceCollection services,
        object? serviceKey,
        string path,
        Action<DiffusionImageGeneratorOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        var make = FromPath(path, configure);
        return services.AddKeyedSingleton<IImageGenerator>(serviceKey, (_, _) => make());
    }

    /// <summary>Registers a model as the <see cref="IImageGenerator"/> of a key.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key.</param>
    /// <param name="load">As without a key.</param>
    /// <param name="configure">As without a key.</param>
    public static IServiceCollection AddKeyedDiffusionImageGenerator(
        this IServiceCollection services,
        object? serviceKey,
        Func<IServiceProvider, DiffusionPipeline> load,
        Action<DiffusionImageGeneratorOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        var options = Configured(configure);
        return services.AddKeyedSingleton<IImageGenerator>(
            serviceKey,
            (s, _) => DiffusionImageGenerator.Lazy(() => load(s), null, options)
        );
    }

    private static Func<DiffusionImageGenerator> FromPath(
        string path,
        Action<DiffusionImageGeneratorOptions>? configure
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var options = Configured(configure);
        return () =>
            DiffusionImageGenerator.Lazy(
                () => DiffusionPipeline.Load(Found(path), options.Pipeline),
                ModelName.Of(path),
                options
            );
    }

    private static DiffusionImageGeneratorOptions Configured(Action<DiffusionImageGeneratorOptions>? configure)
    {
        var options = new DiffusionImageGeneratorOptions();
        configure?.Invoke(options);
        return options;
    }

    private static string Found(string path)
    {
        var besideApp = Path.Combine(AppContext.BaseDirectory, path);
        return Path.Exists(besideApp) ? besideApp : path;
    }
}
