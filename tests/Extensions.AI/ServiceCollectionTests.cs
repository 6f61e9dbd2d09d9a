using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace DiffusionQuant.Extensions.AI.Tests;

public sealed class ServiceCollectionTests
{
    [Fact]
    public async Task A_model_is_one_lazy_singleton()
    {
        var warnings = new List<DiffusionQuantException>();
        var provider = new ServiceCollection()
            .AddDiffusionImageGenerator(
                Repository.Clothes,
                options =>
                {
                    options.Warn = warnings.Add;
                    options.Generation = new() { Sampler = new() { Steps = 1 } };
                }
            )
            .BuildServiceProvider();
        var generator = provider.GetRequiredService<IImageGenerator>();
        Assert.Same(generator, provider.GetRequiredService<IImageGenerator>());
        Assert.Equal("sd-clothes", generator.GetService<ImageGeneratorMetadata>()!.DefaultModelId);

        var prompt = string.Join(' ', Enumerable.Repeat(Clothes.Prompt, 20));
        var response = await generator.GenerateImagesAsync(prompt, new ImageGenerationOptions().WithSeed(1));
        Assert.Equal("DQ1068", Assert.Single(warnings).Code);
        var pipeline = generator.GetRequiredService<DiffusionPipeline>();
        Assert.Same(pipeline, generator.GetRequiredService<DiffusionPipeline>());
        Assert.Equal(Clothes.PngOf(pipeline.Generate(prompt, seed: 1, steps: 1)[0]), response.OnlyBytes());

        await provider.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateImagesAsync(prompt));
    }

    [Fact]
    public async Task A_model_that_is_missing_is_found_missing_by_the_first_request()
    {
        using var provider = new ServiceCollection().AddDiffusionImageGenerator("Models/none").BuildServiceProvider();
        var generator = provider.GetRequiredService<IImageGenerator>();
        Assert.Contains("Models/none", await Faults.Expect("DQ1040", () => generator.GenerateImagesAsync("")));
        // Not kept: it may be there by the next.
        await Faults.Expect("DQ1040", () => generator.GenerateImagesAsync(""));
    }

    [Fact]
    public async Task Several_models_by_key()
    {
        var loads = 0;
        using var provider = new ServiceCollection()
            .AddKeyedDiffusionImageGenerator("clothes", Repository.Clothes)
            .AddKeyedDiffusionImageGenerator(
                "fashion",
                services =>
                {
                    Assert.NotNull(services);
                    loads++;
                    return DiffusionPipeline.Load(Repository.Fashion);
                }
            )
            .BuildServiceProvider();
        Assert.Null(provider.GetService<IImageGenerator>());
        var fashion = provider.GetRequiredKeyedService<IImageGenerator>("fashion");
        Assert.Equal(0, loads);
        Assert.Null(fashion.GetService<ImageGeneratorMetadata>()!.DefaultModelId);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => fashion.GenerateImagesAsync("", Clothes.Quick)));
        Assert.Equal(1, loads);
        Assert.Equal("ddpm-fashion", fashion.GetService<ImageGeneratorMetadata>()!.DefaultModelId);
        var clothes = provider.GetRequiredKeyedService<IImageGenerator>("clothes");
        Assert.Single((await clothes.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick)).Contents);
    }

    [Fact]
    public async Task A_pipeline_of_ones_own_goes_with_the_services()
    {
        var provider = new ServiceCollection().AddDiffusionImageGenerator(_ => Embedded.Load()).BuildServiceProvider();
        var generator = provider.GetRequiredService<IImageGenerator>();
        Assert.Single((await generator.GenerateImagesAsync("", Clothes.Quick)).Contents);
        var pipeline = generator.GetRequiredService<DiffusionPipeline>();
        Assert.True(Embedded.IsLoaded(pipeline));
        await provider.DisposeAsync();
        Assert.False(Embedded.IsLoaded(pipeline));
    }

    [Fact]
    public void Disposing_of_a_generator_without_requests_loads_nothing()
    {
        using var provider = new ServiceCollection()
            .AddDiffusionImageGenerator(_ => throw new InvalidOperationException("loaded"))
            .BuildServiceProvider();
        var generator = provider.GetRequiredService<IImageGenerator>();
        generator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => generator.GetService<DiffusionPipeline>());
    }
}
