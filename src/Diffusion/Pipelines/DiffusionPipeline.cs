using System.Globalization;
using System.Reflection;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes images with a diffusion model. Images depend on the model, the settings, the seed and their index alone.</summary>
/// <example><code>
/// using var pipeline = DiffusionPipeline.Load("Models/ddpm-fashion");
/// var images = pipeline.Generate(16, seed: 1, steps: 25);
/// ImageGrid.SavePng(images, columns: 4, "grid.png");
/// </code></example>
public sealed class DiffusionPipeline : IDisposable
{
    private const int LeastTile = 8;
    private const int MostPixels = 100_000_000;
    private readonly OnnxDenoiser denoiser;
    private readonly LatentDecoder? decoder;
    private readonly DiffusionModel model;
    private readonly PipelineOptions options;
    private readonly PromptEncoder? prompts;
    private LatentEncoder? encoder;
    private bool isDisposed;
    private readonly EmbeddedModel? embedded;

    private DiffusionPipeline(DiffusionModel model, PipelineOptions options, EmbeddedModel? embedded)
    {
        AtLeast("tile", options.DecoderTileSize ?? LeastTile, LeastTile);
        this.embedded = embedded;
        this.model = model;
        this.options = options;
        Schedule = model.Schedule;
        denoiser = new(model, options.Session);
        try
        {
            prompts = PromptEncoder.Find(
                model,
                new()
                {
                    Session = options.Session,
                    KeepLoaded = options.KeepTextEncoders,
                    PartCalled = options.PartCalled,
                }
            );
            decoder = model.VaeDecoderPath is null
                ? null
                : LatentDecoder.Load(model.VaeDecoderPath, model.Contract, options);
        }
        catch
        {
            denoiser.Dispose();
            throw;
        }
    }

    /// <summary>How the model is called.</summary>
    public DenoiserContract Contract => denoiser.Contract;

    /// <summary>The noise schedule.</summary>
    public NoisePath Schedule { get; }

    /// <summary>The network, for samplers of one's own.</summary>
    public IDenoiser Denoiser => denoiser;

    /// <summary>Whether the samples are images, or a decoder makes images of them.</summary>
    public bool MakesImages => decoder is not null || Contract.SampleShape.Channels is 1 or 3;

    /// <summary>Loads a model.</summary>
    /// <param name="path">A model folder or an <c>.onnx</c> file, as for <see cref="DiffusionModel.Load"/>.</param>
    /// <param name="options">Device, threads, and what the model's files leave open.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1001 to DQ1011, DQ1040 to DQ1048, DQ1054, DQ1057: the model cannot
    /// be read. DQ4001 to DQ4018: it cannot be loaded.</exception>
    public static DiffusionPipeline Load(string path, PipelineOptions? options = null) =>
        Load(path, options ?? PipelineOptions.Default, null);

    /// <summary>Loads a model that was read before.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Device, threads and more; the model is as it was read. By default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001 to DQ4018: it cannot be loaded. DQ1054: the decoder is
    /// none.</exception>
    public static DiffusionPipeline Load(DiffusionModel model, PipelineOptions? options = null) =>
        new(model, options ?? PipelineOptions.Default, null);

    /// <summary>Loads a model that is embedded in an assembly.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="resourcePrefix">The model's folder among the resources: <c>prefix/model.onnx</c>,
    /// <c>prefix/scheduler_config.json</c>, and <c>prefix/model.onnx.data</c> where there is one.</param>
    /// <param name="options">Device, threads, and what the model's files leave open.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1056: there is no such resource; further codes as for
    /// <see cref="Load(string, PipelineOptions?)"/>.</exception>
    public static DiffusionPipeline LoadEmbedded(
        Assembly assembly,
        string resourcePrefix,
        PipelineOptions? options = null
    )
    {
        var embedded = EmbeddedModel.Unpack(assembly, resourcePrefix);
        try
        {
            return Load(embedded.Folder, options ?? PipelineOptions.Default, embedded);
        }
        catch
        {
            embedded.Dispose();
            throw;
        }
    }

    /// <summary>Whether it makes images of prompts.</summary>
    public bool TakesPrompts => prompts is not null;

    /// <summary>Told of what a caller should know and that is no fault: prompts that were cut.</summary>
    public Action<DiffusionQuantException>? Warn { get; set; }

    /// <summary>Makes images of a prompt.</summary>
    /// <param name="prompt">What they should show.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="steps">The number of sampling steps, if another than the options'.</param>
    /// <param name="options">Sampler, guidance, negative prompt, a picture to start from.</param>
    /// <param name="progress">Told after every call of the network.</param>
    /// <param name="cancellation">Stops the generation.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1067: the model takes no prompts; further codes as for images
    /// without one.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<GeneratedImage> Generate(
        string prompt,
        int count = 1,
        ulong seed = 0,
        int? steps = null,
        GenerationOptions? options = null,
        IProgress<GenerationProgress>? progress = null,
        CancellationToken cancellation = default
    ) => Generate([prompt], count, seed, steps, options, progress, cancellation);

    /// <summary>Makes images of prompts: image k of prompt k modulo their number.</summary>
    /// <param name="prompts">What they should show.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="steps">The number of sampling steps, if another than the options'.</param>
    /// <param name="options">Sampler, guidance, negative prompt, a picture to start from.</param>
    /// <param name="progress">Told after every call of the network.</param>
    /// <param name="cancellation">Stops the generation.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As for one prompt.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<GeneratedImage> Generate(
        IReadOnlyList<string> prompts,
        int count,
        ulong seed = 0,
        int? steps = null,
        GenerationOptions? options = null,
        IProgress<GenerationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (this.prompts is null)
        {
            throw DiffusionErrors.NoTextEncoder(Contract.Path);
        }

        options ??= GenerationOptions.Default;
        _ = Network(options.Size, cancellation);
        var scale = options.GuidanceScale ?? UsualGuidance.Of(Contract, Schedule);
        var isGuided = scale != 1 && !Contract.TakesGuidance;
        var encoded = this.prompts.Encode(
            prompts,
            options.NegativePrompt is { } negative ? [negative] : null,
            options.Prompts with
            {
                Unconditional = isGuided,
                ImageSize = options.Prompts.ImageSize ?? options.Size,
            },
            cancellation
        );
        foreach (var warning in encoded.Warnings)
        {
            Warn?.Invoke(DiffusionErrors.PromptCut(warning));
        }

        var conditioned = options with
        {
            GuidanceScale = scale,
            Conditioning = encoded.ToConditioningSet(options.Conditioning.Arrays.Values),
        };
        return
        [
            .. Generate(count, seed, steps, conditioned, progress, cancellation)
                .Select(i => i.With(prompts[i.Index % prompts.Count])),
        ];
    }

    /// <summary>Lets go of text encoders that were kept (<see cref="PipelineOptions.KeepTextEncoders"/>).</summary>
    public void UnloadTextEncoders() => prompts?.Unload();

    /// <summary>Makes images.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="steps">The number of sampling steps, if another than the options'.</param>
    /// <param name="options">Sampler, batch size, classes and guidance.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Stops the generation.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049 to DQ1055, DQ1057, DQ1058: a setting does not fit the model,
    /// conditioning is missing, or the samples are latents without a decoder. DQ4012 to DQ4018: a run failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<GeneratedImage> Generate(
        int count,
        ulong seed = 0,
        int? steps = null,
        GenerationOptions? options = null,
        IProgress<GenerationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        // The runtime would end the process.
        ObjectDisposedException.ThrowIf(isDisposed, this);
        options ??= GenerationOptions.Default;
        AtLeast("count", count, 0);
        AtLeast(nameof(options.BatchSize), options.BatchSize, 1);
        AtLeast(nameof(options.FirstImage), options.FirstImage, 0);
        CheckMakesImages();
        var network = Network(options.Size, cancellation);
        var (start, conditioning) = StartOf(options, network.Contract.SampleShape, cancellation);
        var trajectory = new Trajectory(
            network,
            Schedule,
            new()
            {
                Sampler = steps is null ? options.Sampler : options.Sampler with { Steps = steps, Timesteps = null },
                Seed = seed,
                ClassLabels = options.ClassLabels,
                GuidanceScale = options.GuidanceScale ?? 1,
                GuidanceRescale = options.GuidanceRescale,
                Conditioning = conditioning,
                Start = start,
            }
        );
        try
        {
            return Draw(trajectory, network.Contract.SampleShape, count, options, progress, cancellation);
        }
        catch (DiffusionQuantException e)
            when (e.Code == "DQ4017" && network.Contract.SampleShape != Contract.SampleShape)
        {
            var (height, width) = options.Size!.Value;
            throw DiffusionErrors.BadSettings(
                "size",
                $"{width}×{height}",
                $"the network cannot take latents of {network.Contract.SampleShape}; one of n levels halves them n − 1 times, so that sides of a multiple of 8 cells usually work",
                e
            );
        }
    }

    /// <summary>Makes images of a trajectory's last step.</summary>
    /// <param name="last">The step.</param>
    /// <param name="cancellation">Stops the decoding.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1054: the samples are latents without a decoder. DQ4012 to
    /// DQ4018: a run failed.</exception>
    public IReadOnlyList<GeneratedImage> Decode(DenoisingStep last, CancellationToken cancellation = default)
    {
        CheckMakesImages();
        return Decode(last, Contract.SampleShape, cancellation);
    }

    private List<GeneratedImage> Draw(
        Trajectory trajectory,
        SampleShape shape,
        int count,
        GenerationOptions options,
        IProgress<GenerationProgress>? progress,
        CancellationToken cancellation
    )
    {
        var images = new List<GeneratedImage>(count);
        foreach (var batch in Enumerable.Range(options.FirstImage, count).Chunk(options.BatchSize))
        {
            DenoisingStep? last = null;
            foreach (var step in trajectory.Steps(batch, cancellation))
            {
                last = step;
                var done = step.IsLast ? images.Count + batch.Length : images.Count;
                progress?.Report(new(done, count, step.Index + 1, step.StepCount));
            }

            images.AddRange(Decode(last!, shape, cancellation));
        }

        return images;
    }

    private IReadOnlyList<GeneratedImage> Decode(DenoisingStep last, SampleShape sample, CancellationToken cancellation)
    {
        var (shape, pixels) = decoder is null
            ? (sample, last.Next)
            : decoder.Decode(last.Next, last.Images.Count, sample, cancellation);
        return
        [
            .. last.Images.Select(
                (index, i) =>
                    new GeneratedImage(
                        index,
                        shape,
                        pixels.AsSpan(i * shape.Length, shape.Length).ToArray(),
                        last.Call.ClassLabels?[i]
                    )
            ),
        ];
    }

    /// <summary>Height and width in pixels of the pictures that are made where no size is asked for. The first time a decoder
    /// may have to make a small picture to tell.</summary>
    /// <param name="cancellation">Stops that.</param>
    public (int Height, int Width) FindPictureSize(CancellationToken cancellation = default)
    {
        var cell = decoder?.PixelsPerCell(cancellation) ?? 1;
        return (Contract.SampleShape.Height * cell, Contract.SampleShape.Width * cell);
    }

    /// <summary>Makes latents of a picture, as image-to-image starts from.</summary>
    /// <param name="picture">Of the size that the model makes.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <returns>C·H·W numbers, as the denoiser takes them.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1054: the folder holds no VAE encoder. DQ1058: the picture's size
    /// does not fit.</exception>
    public float[] Encode(Picture picture, CancellationToken cancellation = default) =>
        Encoder().Encode(picture, Contract.SampleShape, cancellation);

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        isDisposed = true;
        denoiser.Dispose();
        decoder?.Dispose();
        encoder?.Dispose();
        prompts?.Dispose();
        embedded?.Dispose();
    }

    /// <summary>What sampling starts from, and the extra channels of networks that were trained to fill masks in.</summary>
    private (StartingPicture? Start, ConditioningSet Conditioning) StartOf(
        GenerationOptions options,
        SampleShape shape,
        CancellationToken cancellation
    )
    {
        if (options.Image is not { } picture)
        {
            return options.Mask is null
                ? (null, options.Conditioning)
                : throw DiffusionErrors.BadSettings(
                    "mask",
                    "given",
                    "it says what of an image is made anew; give the image"
                );
        }

        var encode = Encoder();
        var mask = options.Mask is { } given ? InpaintingMask.OfCells(given, shape) : null;
        var start = new StartingPicture(encode.Encode(picture, shape, cancellation), options.Strength);
        if (Contract.Extra is not { } extra || options.Conditioning.Arrays.ContainsKey(extra.Name))
        {
            return (start with { Mask = mask }, options.Conditioning);
        }

        // The network sees what stays, so nothing is put back behind its steps.
        var seen = encode.Encode(InpaintingMask.WithoutMasked(picture, options.Mask), shape, cancellation);
        var cells = mask ?? [.. Enumerable.Repeat(1f, shape.Height * shape.Width)];
        float[] channels = [.. cells, .. seen];
        return Contract.ExtraChannels == 1 + shape.Channels
            ? (
                start,
                options.Conditioning.With(
                    OnnxTensor.Of(extra.Name, channels.AsSpan(), 1, Contract.ExtraChannels, shape.Height, shape.Width)
                )
            )
            : throw DiffusionErrors.BadSettings(
                "image",
                "given",
                $"the model takes {Contract.ExtraChannels} extra channels, which are not a mask and a picture of {shape.Channels}; supply {extra.Name} as conditioning"
            );
    }

    /// <summary>The network for pictures of a size.</summary>
    private OnnxDenoiser Network((int Height, int Width)? size, CancellationToken cancellation)
    {
        if (size is not { } wanted)
        {
            return denoiser;
        }

        var cell = decoder?.PixelsPerCell(cancellation) ?? 1;
        var shape = Contract.SampleShape with { Height = wanted.Height / cell, Width = wanted.Width / cell };
        var why =
            wanted.Height < cell || wanted.Width < cell || wanted.Height % cell != 0 || wanted.Width % cell != 0
                ? $"multiples of {cell} pixels, a cell of its latents, are expected"
            : shape.Height % (Contract.Packing ?? 1) != 0 || shape.Width % (Contract.Packing ?? 1) != 0
                ? $"multiples of {cell * Contract.Packing} pixels, a token, are expected"
            : (long)wanted.Height * wanted.Width > MostPixels
                ? $"at most {MostPixels / 1_000_000} million pixels are expected"
            : shape != Contract.SampleShape && Contract.FixesSize
                ? $"the model's graph is for {Contract.SampleShape.Width * cell}×{Contract.SampleShape.Height * cell} pixels alone"
            : null;
        return why is null
            ? new(denoiser.Session, Contract with { SampleShape = shape })
            : throw DiffusionErrors.BadSettings("size", $"{wanted.Width}×{wanted.Height}", why);
    }

    private LatentEncoder Encoder() =>
        encoder ??= model is { VaeEncoderPath: { } path, VaeDecoderPath: { } other }
            ? LatentEncoder.Load(path, LatentScaling.Of(other, Contract), Contract, options)
            : throw DiffusionErrors.NoLatents(
                Contract.Path,
                "to start from an image it needs vae_encoder/model.onnx and vae_decoder/model.onnx, and the folder does not hold both"
            );

    private static DiffusionPipeline Load(string path, PipelineOptions options, EmbeddedModel? embedded) =>
        new(DiffusionModel.Load(path, options.Model), options, embedded);

    private static void AtLeast(string setting, int value, int least)
    {
        if (value < least)
        {
            throw DiffusionErrors.BadSettings(
                setting,
                value.ToString(CultureInfo.InvariantCulture),
                $"at least {least} is expected"
            );
        }
    }

    private void CheckMakesImages()
    {
        if (!MakesImages)
        {
            throw DiffusionErrors.NoImages(
                Contract.Path,
                $"they have {Contract.SampleShape.Channels} channels, as latents have, and images have 1 or 3"
            );
        }
    }
}
