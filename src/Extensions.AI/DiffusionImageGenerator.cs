using System.Diagnostics.CodeAnalysis;
using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;
using SixLabors.ImageSharp;

namespace DiffusionQuant.Extensions.AI;

/// <summary>A pipeline as a generator of Microsoft.Extensions.AI; the pipeline may be loaded when it is first needed.</summary>
[Experimental(Experiments.ImageGeneration)]
internal sealed class DiffusionImageGenerator : IImageGenerator
{
    private const string Provider = "diffusionquant";

    private readonly Func<DiffusionPipeline> load;
    private readonly bool ownsPipeline;
    private readonly DiffusionImageGeneratorOptions options;
    private readonly PipelineGate gate;
    private readonly Lock loading = new();

    // Not disposed of: a call that begins at the same moment links itself to it.
    private readonly CancellationTokenSource disposal = new();
    private volatile DiffusionPipeline? pipeline;

    private DiffusionImageGenerator(
        Func<DiffusionPipeline> load,
        bool ownsPipeline,
        PipelineGate gate,
        string? modelId,
        DiffusionImageGeneratorOptions options
    )
    {
        (this.load, this.ownsPipeline, this.gate, this.options) = (load, ownsPipeline, gate, options);
        Metadata = new(Provider, providerUri: null, options.ModelId ?? modelId);
    }

    private ImageGeneratorMetadata Metadata { get; set; }

    /// <summary>A generator on a pipeline.</summary>
    public static DiffusionImageGenerator Of(
        DiffusionPipeline pipeline,
        bool ownsPipeline,
        DiffusionImageGeneratorOptions options
    )
    {
        var result = new DiffusionImageGenerator(
            () => pipeline,
            ownsPipeline,
            PipelineGate.Of(pipeline),
            ModelName.Of(pipeline.Contract.Path),
            options
        );
        _ = result.Pipeline();
        return result;
    }

    /// <summary>A generator that owns a pipeline, which it loads when it is needed.</summary>
    public static DiffusionImageGenerator Lazy(
        Func<DiffusionPipeline> load,
        string? modelId,
        DiffusionImageGeneratorOptions options
    ) => new(load, ownsPipeline: true, new(), modelId, options);

    /// <inheritdoc/>
    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request,
        ImageGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        ThrowIfDisposed();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, disposal.Token);
        try
        {
            return await gate.RunAsync(() => Generate(request, options, stop.Token), stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Told with the caller's own token, not with the one that joins two reasons.
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfDisposed();
            throw;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ImageGeneratorMetadata) ? Metadata
            : serviceType == typeof(DiffusionPipeline) ? Pipeline()
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Stops what is at work. The pipeline, where it is owned, goes when that has stopped, which is not waited for: the
    /// caller may be the one who is told of the progress.</summary>
    public void Dispose()
    {
        lock (loading)
        {
            if (disposal.IsCancellationRequested)
            {
                return;
            }

            // Under the lock, so that nothing is loaded any more behind it.
            disposal.Cancel();
        }

        if (ownsPipeline)
        {
            gate.Close(() => pipeline?.Dispose());
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(disposal.IsCancellationRequested, this);

    /// <summary>The pipeline, loaded now if it is not. A failure is not kept: the files may be mended.</summary>
    private DiffusionPipeline Pipeline()
    {
        if (pipeline is { } loaded)
        {
            return loaded;
        }

        lock (loading)
        {
            if (pipeline is null)
            {
                ThrowIfDisposed();
                var made = load();
                gate.Guard(made);
                made.Warn = options.Warn ?? made.Warn;
                if (Metadata.DefaultModelId is null)
                {
                    Metadata = new(Provider, providerUri: null, ModelName.Of(made.Contract.Path));
                }

                pipeline = made;
            }

            return pipeline;
        }
    }

    private ImageGenerationResponse Generate(
        ImageGenerationRequest request,
        ImageGenerationOptions? asked,
        CancellationToken cancellation
    )
    {
        var raw = asked?.RawRepresentationFactory?.Invoke(this) as GenerationOptions;
        var generation = RequestedGeneration.Of(asked, raw, options.Generation);
        var original = OriginalPicture.Of(request.OriginalImages);
        var pipeline = Pipeline();
        CheckModel(asked?.ModelId);
        var settings = generation.Generation;
        if (asked?.ImageSize is { } size)
        {
            settings = settings with { Size = (size.Height, size.Width) };
        }

        if (original is not null && raw?.Image is null)
        {
            var (height, width) = settings.Size ?? pipeline.FindPictureSize(cancellation);
            settings = settings with { Image = OriginalPicture.Decode(original.Data, new(width, height)) };
        }

        var images = Generate(pipeline, request.Prompt ?? "", generation, settings, cancellation);
        return new([.. images.Select(i => ContentOf(i, generation.Seed, generation.Format))])
        {
            RawRepresentation = images,
        };
    }

    private static IReadOnlyList<GeneratedImage> Generate(
        DiffusionPipeline pipeline,
        string prompt,
        RequestedGeneration asked,
        GenerationOptions settings,
        CancellationToken cancellation
    )
    {
        var usual = pipeline.Warn;
        // Requests take turns, so that each may have its own listener.
        pipeline.Warn = asked.Warn ?? usual;
        try
        {
            // Models without text have nothing to do with a prompt, but callers have no way to give none.
            return pipeline.TakesPrompts || prompt.Length > 0
                ? pipeline.Generate(prompt, asked.Count, asked.Seed, null, settings, asked.Progress, cancellation)
                : pipeline.Generate(asked.Count, asked.Seed, null, settings, asked.Progress, cancellation);
        }
        finally
        {
            pipeline.Warn = usual;
        }
    }

    private static DataContent ContentOf(GeneratedImage image, ulong seed, PictureFormat format) =>
        new(format.Encode(image), format.MediaType)
        {
            RawRepresentation = image,
            AdditionalProperties = new()
            {
                [DiffusionImageProperties.Seed] = JsonSafe.Of(seed),
                [DiffusionImageProperties.Index] = image.Index,
            },
        };

    private void CheckModel(string? modelId)
    {
        if (modelId is not null && modelId != Metadata.DefaultModelId)
        {
            throw GeneratorErrors.BadOption(
                "ModelId",
                $"'{modelId}'",
                $"the generator has one model, '{Metadata.DefaultModelId}'"
            );
        }
    }
}
