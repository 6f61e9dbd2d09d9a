using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>Finds out what kind of image data a path holds.</summary>
public static class ImageSources
{
    /// <summary>
    /// Opens image data: a <c>.npz</c> file (the array <c>arr_0</c>, as the ADM evaluator's batches, or its only array) or a
    /// <c>.npy</c> file of uint8 images N,H,W,C or N,C,H,W or N,H,W; a CIFAR-10 <c>.bin</c> file, or a folder of
    /// <c>data_batch_*.bin</c>; a folder of image files that <see cref="ImageFile"/> reads, those of its subfolders
    /// included, in ordinal order of their paths.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <exception cref="DiffusionQuantException">DQ3026: it holds no such data. DQ1052, DQ3027: it is
    /// damaged, or an array has another shape or type.</exception>
    public static IImageSource Open(string path)
    {
        if (File.Exists(path))
        {
            return Path.GetExtension(path).ToUpperInvariant() switch
            {
                ".NPY" => ArrayImages.OpenNpy(path),
                ".NPZ" => ArrayImages.OpenNpz(path),
                ".BIN" => new Cifar10Images(path, [path]),
                _ => throw DatasetErrors.DataNotFound(path),
            };
        }

        if (!Directory.Exists(path))
        {
            throw DatasetErrors.DataNotFound(path);
        }

        var batches = Batches(path);
        if (batches.Length > 0)
        {
            return new Cifar10Images(path, batches);
        }

        var images = ImageFolder.Find(path);
        return images.Count > 0 ? images : throw DatasetErrors.DataNotFound(path);
    }

    /// <summary>The warning DQ3037 where a folder of images holds other files too, which are skipped; null otherwise.</summary>
    /// <param name="path">What <see cref="Open"/> is given.</param>
    /// <exception cref="DiffusionQuantException">DQ3027: the folder cannot be read.</exception>
    public static DiffusionQuantException? FindSkipped(string path) =>
        Directory.Exists(path)
        && Batches(path) is []
        && ImageFolder.Find(path) is { Count: { } count and > 0, Others: [var example, ..] others }
            ? DatasetErrors.FilesSkipped(path, others.Count, Path.GetRelativePath(path, example), count)
            : null;

    /// <summary>The first images of a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="count">How many at most.</param>
    public static IImageSource Take(this IImageSource source, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new DerivedImages(
            source,
            source.Count is { } all ? Math.Min(all, count) : null,
            images => count > int.MaxValue ? images : images.Take((int)count)
        );
    }

    /// <summary>Puts a black border round every image of a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="pixels">The border's width on each side.</param>
    public static IImageSource Pad(this IImageSource source, int pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pixels);
        return pixels == 0
            ? source
            : new DerivedImages(source, source.Count, images => images.Select(i => Pad(i, pixels)));
    }

    private static string[] Batches(string folder) =>
        [.. Directory.GetFiles(folder, "data_batch_*.bin").Order(StringComparer.Ordinal)];

    private static RasterImage Pad(RasterImage image, int border)
    {
        var width = image.Width + (2 * border);
        var height = image.Height + (2 * border);
        var padded = new byte[checked(width * height * image.Channels)];
        var stride = image.Width * image.Channels;
        for (var y = 0; y < image.Height; y++)
        {
            image
                .Pixels.AsSpan(y * stride, stride)
                .CopyTo(padded.AsSpan((((y + border) * width) + border) * image.Channels));
        }

        return image with
        {
            Width = width,
            Height = height,
            Pixels = padded,
        };
    }

    private sealed class DerivedImages(
        IImageSource source,
        long? count,
        Func<IEnumerable<RasterImage>, IEnumerable<RasterImage>> change
    ) : IImageSource
    {
        public string Name => source.Name;

        public long? Count => count;

        public IEnumerable<RasterImage> Read(CancellationToken cancellation = default) =>
            change(source.Read(cancellation));
    }
}
