using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>The images of a NumPy array: uint8 of N,H,W,C or N,C,H,W with 1 or 3 channels, or of N,H,W.</summary>
internal sealed class ArrayImages : IImageSource
{
    /// <summary>What <c>numpy.savez</c> calls an array without a name, and the ADM evaluator its images.</summary>
    public const string DefaultArray = "arr_0";
    private readonly Func<Stream> open;
    private readonly int height;
    private readonly int width;
    private readonly int channels;
    private readonly bool isPlanar;

    private ArrayImages(string name, Func<Stream> open)
    {
        Name = name;
        this.open = open;
        using var stream = Guard(name, open);
        var header = Guard(name, () => NpyHeader.Read(stream, name));
        if (header.ElementType != ElementType.UInt8)
        {
            throw DatasetErrors.BadData(name, $"its numbers are {header.ElementType} instead of UInt8");
        }

        var dims = header.Dims;
        if (dims.Any(d => d is < 1 or > int.MaxValue))
        {
            throw DatasetErrors.BadData(name, $"its shape is ({string.Join(", ", dims)}), which holds no images");
        }

        (height, width, channels, isPlanar) = dims switch
        {
            [_, var h, var w] => ((int)h, (int)w, 1, false),
            [_, var h, var w, 1 or 3] => ((int)h, (int)w, (int)dims[3], false),
            [_, 1 or 3, var h, var w] => ((int)h, (int)w, (int)dims[1], true),
            _ => throw DatasetErrors.BadData(
                name,
                $"its shape is ({string.Join(", ", dims)}) instead of N,H,W or N,H,W,C or N,C,H,W with 1 or 3 channels"
            ),
        };
        if ((long)height * width * channels > Array.MaxLength)
        {
            throw DatasetErrors.BadData(name, $"an image of {height}x{width}x{channels} is too large");
        }

        Count = dims[0];
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public long? Count { get; }

    public static ArrayImages OpenNpy(string path) => new(path, () => File.OpenRead(path));

    public static ArrayImages OpenNpz(string path)
    {
        var names = NpzArchive.Names(path);
        var array =
            names.Contains(DefaultArray) ? DefaultArray
            : names.Count == 1 ? names[0]
            : throw DatasetErrors.BadData(
                path,
                $"which array has the images is not clear: there is no {DefaultArray}, but {string.Join(", ", names)}"
            );
        return new($"{path}/{array}", () => NpzArchive.Open(path, array));
    }

    /// <inheritdoc/>
    public IEnumerable<RasterImage> Read(CancellationToken cancellation = default)
    {
        using var stream = Guard(Name, open);
        _ = Guard(Name, () => NpyHeader.Read(stream, Name));
        var size = height * width * channels;
        for (var i = 0L; i < Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = new byte[size];
            if (Guard(Name, () => stream.ReadAtLeast(bytes, size, throwOnEndOfStream: false)) < size)
            {
                throw DatasetErrors.BadData(Name, $"it ends after {i} of {Count} images");
            }

            yield return new(width, height, channels, isPlanar && channels > 1 ? Interleave(bytes) : bytes)
            {
                Source = $"{Name}[{i}]",
            };
        }
    }

    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw DatasetErrors.BadData(name, e.Message.TrimEnd('.'), e);
        }
    }

    private byte[] Interleave(byte[] planes)
    {
        var result = new byte[planes.Length];
        var area = height * width;
        for (var c = 0; c < channels; c++)
        {
            for (var i = 0; i < area; i++)
            {
                result[(i * channels) + c] = planes[(c * area) + i];
            }
        }

        return result;
    }
}
