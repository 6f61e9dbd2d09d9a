using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI.Tests;

public sealed class LifetimeTests(Clothes clothes) : IClassFixture<Clothes>
{
    [Fact]
    public async Task A_generation_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        var steps = 0;
        var options = Clothes
            .Quick.WithSteps(50)
            .WithProgress(
                new Immediate<GenerationProgress>(_ =>
                {
                    steps++;
                    source.Cancel();
                })
            );
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            clothes.Generator.GenerateImagesAsync(Clothes.Prompt, options, source.Token)
        );
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(1, steps);
        // The next call is not held up.
        Assert.Single((await clothes.Generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick)).Contents);
    }

    [Fact]
    public async Task A_call_that_waits_is_cancelled_and_another_runs_after_the_first()
    {
        using var started = new SemaphoreSlim(0);
        using var goOn = new SemaphoreSlim(0);
        var atWork = 0;
        ImageGenerationOptions Options(bool isHeld) =>
            Clothes.Quick.WithProgress(
                new Immediate<GenerationProgress>(p =>
                {
                    Assert.Equal(1, Interlocked.Increment(ref atWork));
                    if (isHeld && p.StepsDone == 1)
                    {
                        started.Release();
                        goOn.Wait();
                    }

                    Interlocked.Decrement(ref atWork);
                })
            );

        var first = clothes.Generator.GenerateImagesAsync(Clothes.Prompt, Options(isHeld: true));
        await started.WaitAsync();
        // Another generator on the same pipeline waits for it, too.
        using var other = clothes.Pipeline.AsImageGenerator();
        var second = other.GenerateImagesAsync(Clothes.Prompt, Options(isHeld: false));
        using var source = new CancellationTokenSource();
        var third = clothes.Generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        Assert.False(second.IsCompleted);
        goOn.Release();
        Assert.Equal((await first).OnlyBytes(), (await second).OnlyBytes());
    }

    [Fact]
    public async Task A_generator_that_does_not_own_its_pipeline_leaves_it()
    {
        using (var generator = clothes.Pipeline.AsImageGenerator())
        {
            generator.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() =>
                generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick)
            );
        }

        Assert.Single(clothes.Pipeline.Generate(Clothes.Prompt, steps: 1));
    }

    [Fact]
    public async Task Disposing_stops_what_is_at_work_and_frees_an_owned_pipeline()
    {
        var pipeline = Embedded.Load();
        var generator = pipeline.AsImageGenerator(ownsPipeline: true);
        var steps = 0;
        var options = Clothes
            .Quick.WithSteps(50)
            .WithProgress(
                // From within, which must not wait for itself.
                new Immediate<GenerationProgress>(_ =>
                {
                    steps++;
                    generator.Dispose();
                })
            );
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateImagesAsync("", options));
        Assert.Equal(1, steps);
        generator.Dispose();
        for (var i = 0; i < 1000 && Embedded.IsLoaded(pipeline); i++)
        {
            await Task.Delay(10);
        }

        Assert.False(Embedded.IsLoaded(pipeline));
    }

    [Fact]
    public async Task An_owned_pipeline_at_rest_is_freed_at_once()
    {
        var pipeline = Embedded.Load();
        using var other = pipeline.AsImageGenerator();
        pipeline.AsImageGenerator(ownsPipeline: true).Dispose();
        Assert.False(Embedded.IsLoaded(pipeline));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => other.GenerateImagesAsync(""));
    }

    [Fact]
    public void Services()
    {
        var metadata = clothes.Generator.GetRequiredService<ImageGeneratorMetadata>();
        Assert.Equal("diffusionquant", metadata.ProviderName);
        Assert.Equal("sd-clothes", metadata.DefaultModelId);
        Assert.Null(metadata.ProviderUri);
        Assert.Same(clothes.Pipeline, clothes.Generator.GetService<DiffusionPipeline>());
        Assert.Same(clothes.Generator, clothes.Generator.GetService<IImageGenerator>());
        Assert.Null(clothes.Generator.GetService<DiffusionPipeline>("key"));
        Assert.Null(clothes.Generator.GetService<string>());
        Assert.Throws<ArgumentNullException>(() => clothes.Generator.GetService(null!));
        using var named = clothes.Pipeline.AsImageGenerator(options: new() { ModelId = "clothes-w4" });
        Assert.Equal("clothes-w4", named.GetService<ImageGeneratorMetadata>()!.DefaultModelId);
    }
}
