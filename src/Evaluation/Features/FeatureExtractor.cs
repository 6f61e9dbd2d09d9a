using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>A network that turns images into features, ready to run. Calls may come from several threads at once.</summary>
public sealed class FeatureExtractor : IDisposable
{
    /// <summary>The name of the extractor that is built in: a ResNet-20 trained on Fashion-MNIST (64 features, 10 classes),
    /// for gray images of 32×32 pixels.</summary>
    public const string DefaultName = "fashion-resnet20";

    /// <summary>Images that run at once where the network leaves the choice.</summary>
    private const int DefaultBatch = 32;
    private readonly ModelSession session;
    private readonly int threads;
    private readonly ImagePreprocessor preprocessor;
    private readonly ElementType inputType;
    private readonly int? fixedBatch;
    private readonly string[] outputs;

    private FeatureExtractor(ExtractorFiles files, ModelSession session, int threads)
    {
        this.session = session;
        this.threads = threads;
        Files = files.All;
        Settings = files.Settings;
        preprocessor = new(Settings);
        var input =
            session.Inputs.FirstOrDefault(i => i.Name == Settings.Input)
            ?? throw FeatureErrors.ModelDoesNotFit(
                files.Path,
                $"it has no input '{Settings.Input}', but {string.Join(", ", session.Inputs)}"
            );
        if (session.Inputs.Count > 1)
        {
            throw FeatureErrors.ModelDoesNotFit(files.Path, $"it has {session.Inputs.Count} inputs instead of one");
        }

        CheckInput(files.Path, input);
        inputType = input.ElementType;
        fixedBatch = input.Shape is { Rank: 4 } shape ? (int?)shape[0].Value : null;
        outputs = [.. new[] { Settings.Features, Settings.Logits, Settings.Spatial }.OfType<string>().Distinct()];
        foreach (var output in outputs)
        {
            if (!session.Outputs.Any(o => o.Name == output))
            {
                throw FeatureErrors.ModelDoesNotFit(
                    files.Path,
                    $"it has no output '{output}', but {string.Join(", ", session.Outputs)}"
                );
            }
        }

        (Dimensions, Classes, SpatialDimensions) = Measure(files.Path);
        files.Model.InlineFunctions();
        var weights = ExtractorHash.OfWeights(files.Model);
        if (Settings.WeightsSha256 is { } recorded && recorded != weights)
        {
            throw FeatureErrors.OtherWeights(files.Path, recorded, weights);
        }

        Identity = new(
            Settings.Name,
            ExtractorHash.Of(files.Model, Settings),
            StandardInception.Recognises(Settings, weights, Dimensions)
        );
    }

    /// <summary>All files that decide what it is, as full paths, whether they exist or not; none for the built-in one.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Its settings, read or inferred.</summary>
    public ExtractorSettings Settings { get; }

    /// <summary>Its name and the hash of network, weights and preprocessing.</summary>
    public ExtractorIdentity Identity { get; }

    /// <summary>D, the number of features.</summary>
    public int Dimensions { get; }

    /// <summary>K, the number of classes; null where it tells none.</summary>
    public int? Classes { get; }

    /// <summary>S, the numbers of the feature map for sFID; null where it has none.</summary>
    public int? SpatialDimensions { get; }

    /// <summary>Loads an extractor.</summary>
    /// <param name="nameOrPath"><see cref="DefaultName"/>, a folder with <c>extractor.json</c> and a network, or an
    /// <c>.onnx</c> file: its one input is an image of known size in the range −1 to 1, and its one output of rank 2 (or the
    /// one called like features) has the features.</param>
    /// <param name="settings">Device and threads; by default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3020 to DQ3023: it is missing, or its parts do not fit
    /// together. DQ1001 to DQ1014, DQ4001 to DQ4018: the network cannot be read or run.</exception>
    public static FeatureExtractor Load(string nameOrPath, SessionSettings? settings = null)
    {
        var files = ExtractorFiles.Find(nameOrPath);
        settings ??= SessionSettings.Default;
        var session = files.Start(settings);
        try
        {
            return new(files, session, settings.Threads);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The features of images. An image's features do not depend on the images beside it.</summary>
    /// <param name="images">The images, of any sizes if the extractor resizes. Gray images are given to an extractor for RGB
    /// with three equal channels.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3024: an image does not fit. DQ3025: features are not
    /// finite. DQ4017, DQ4018: the run failed, or memory ran out.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public FeatureBatch Extract(IReadOnlyList<RasterImage> images, CancellationToken cancellation = default)
    {
        using var workers = Workers.Use(threads, cancellation);
        var result = new FeatureBatch(
            images.Count,
            new float[checked(images.Count * Dimensions)],
            Classes is { } classes ? new float[checked(images.Count * classes)] : null,
            SpatialDimensions is { } spatial ? new float[checked(images.Count * spatial)] : null
        );
        var batch = fixedBatch ?? DefaultBatch;
        for (var first = 0; first < images.Count; first += batch)
        {
            var count = Math.Min(batch, images.Count - first);
            using var values = Run(images, first, count, cancellation);
            Take(values, Settings.Features, result.Features, first, count, Dimensions);
            if (result.Logits is not null)
            {
                Take(values, Settings.Logits!, result.Logits, first, count, Classes!.Value);
            }

            if (result.Spatial is not null)
            {
                TakeMaps(values[Settings.Spatial!], result.Spatial, first, count);
            }
        }

        return result;
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => session.Dispose();

    private TensorSet Run(IReadOnlyList<RasterImage> images, int first, int count, CancellationToken cancellation)
    {
        var data = new float[(fixedBatch ?? count) * preprocessor.Length];
        Workers.For(
            0,
            count,
            i => preprocessor.Fill(images[first + i], data.AsSpan(i * preprocessor.Length, preprocessor.Length))
        );
        return Run(data, fixedBatch ?? count, cancellation);
    }

    private TensorSet Run(float[] data, int batch, CancellationToken cancellation)
    {
        using var input = Tensors.FromFloats(data, preprocessor.Dims(batch), inputType);
        return session.Run(
            new Dictionary<string, OrtValue>(StringComparer.Ordinal) { [Settings.Input] = input },
            outputs,
            cancellation
        );
    }

    private void Take(TensorSet values, string output, float[] target, int first, int count, int width)
    {
        var rows = Tensors.ToFloats(values[output]);
        rows.AsSpan(0, count * width).CopyTo(target.AsSpan(first * width));
        CheckFinite(rows.AsSpan(0, count * width), width);
    }

    private void TakeMaps(OrtValue value, float[] target, int first, int count)
    {
        var (channels, height, width) = MapSize(Tensors.Dims(value));
        var maps = Tensors.ToFloats(value);
        var used = Settings.SpatialChannels ?? channels;
        var area = height * width;
        var (pixelStep, channelStep) = Settings.SpatialLayout == ImageLayout.Nchw ? (1, area) : (channels, 1);
        var at = first * area * used;
        for (var n = 0; n < count; n++)
        {
            var map = maps.AsSpan(n * channels * area, channels * area);
            for (var i = 0; i < area; i++)
            {
                for (var c = 0; c < used; c++)
                {
                    target[at++] = map[(i * pixelStep) + (c * channelStep)];
                }
            }
        }

        CheckFinite(target.AsSpan(first * area * used, count * area * used), area * used);
    }

    private void CheckFinite(ReadOnlySpan<float> rows, int width)
    {
        for (var i = 0; i < rows.Length; i++)
        {
            if (!float.IsFinite(rows[i]))
            {
                throw FeatureErrors.FeaturesNotFinite(Settings.Name, i / width);
            }
        }
    }

    private (int Channels, int Height, int Width) MapSize(long[] dims) =>
        Settings.SpatialLayout == ImageLayout.Nchw
            ? ((int)dims[1], (int)dims[2], (int)dims[3])
            : ((int)dims[3], (int)dims[1], (int)dims[2]);

    private void CheckInput(string path, ValueInfo input)
    {
        var dims = preprocessor.Dims(1);
        var fits =
            input.ElementType.IsFloatingPoint()
            && (
                input.Shape is not { Rank: > 0 } shape
                || (
                    shape.Rank == dims.Length
                    && Enumerable.Range(1, dims.Length - 1).All(i => (shape[i].Value ?? dims[i]) == dims[i])
                )
            );
        if (!fits)
        {
            throw FeatureErrors.ModelDoesNotFit(
                path,
                $"its input {input} does not take images of [N,{string.Join(',', dims[1..])}] in floating point"
            );
        }
    }

    /// <summary>Sees how many numbers each output has, by running a batch of black images.</summary>
    private (int Dimensions, int? Classes, int? Spatial) Measure(string path)
    {
        var batch = fixedBatch ?? 1;
        using var values = Run(new float[batch * preprocessor.Length], batch, CancellationToken.None);
        return (
            Width(Settings.Features),
            Settings.Logits is { } logits ? Width(logits) : null,
            Settings.Spatial is { } spatial ? MapWidth(spatial) : null
        );

        int Width(string output)
        {
            var dims = Tensors.Dims(values[output]);
            return dims.Length >= 2 && dims[0] == batch && dims[1] > 0 && dims.Skip(2).All(d => d == 1)
                ? (int)dims[1]
                : throw FeatureErrors.ModelDoesNotFit(
                    path,
                    $"its output '{output}' is [{string.Join(',', dims)}] instead of one row per image"
                );
        }

        int MapWidth(string output)
        {
            var dims = Tensors.Dims(values[output]);
            if (dims.Length != 4 || dims[0] != batch)
            {
                throw FeatureErrors.ModelDoesNotFit(
                    path,
                    $"its output '{output}' is [{string.Join(',', dims)}] instead of a map per image"
                );
            }

            var (channels, height, width) = MapSize(dims);
            return Settings.SpatialChannels is { } used && used > channels
                ? throw FeatureErrors.ModelDoesNotFit(
                    path,
                    $"its output '{output}' has {channels} channels, fewer than spatialChannels"
                )
                : (Settings.SpatialChannels ?? channels) * height * width;
        }
    }
}
