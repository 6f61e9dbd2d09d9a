using System.Security.Cryptography;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>
/// Images to train on, all of one shape and all in memory as bytes. Which of them a step takes depends on nothing but
/// seed and step, so that a training which goes on after a stop sees what it would have seen without.
/// </summary>
public sealed class TrainingImages
{
    /// <summary>How many bytes the images may take where nothing else is said.</summary>
    public const long UsualMemory = 4L << 30;

    // An array for each image, plane after plane: no array of .NET holds more than 2 GB.
    private readonly List<byte[]> images;

    private TrainingImages(string name, SampleShape shape, List<byte[]> images, string sha256)
    {
        Name = name;
        Shape = shape;
        this.images = images;
        Sha256 = sha256;
    }

    /// <summary>Where the images come from, for messages.</summary>
    public string Name { get; }

    /// <summary>The shape of each image.</summary>
    public SampleShape Shape { get; }

    /// <summary>How many images there are.</summary>
    public int Count => images.Count;

    /// <summary>SHA-256 of the images' bytes in their order, in lower-case hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>Reads images. Gray ones among colours become RGB; for a gray network, RGB ones without colours become
    /// gray.</summary>
    /// <param name="source">Where they are.</param>
    /// <param name="shape">The shape of a network's samples, which they must have; null for the first image's, with the
    /// channels of RGB where any image has colours.</param>
    /// <param name="memory">How many bytes they may take.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1052, DQ3027, DQ3028: they cannot be read. DQ3035: they
    /// differ in size, among themselves or from the network, or have colours and the network none. DQ3036: they take too
    /// much memory.</exception>
    public static TrainingImages Load(
        IImageSource source,
        SampleShape? shape = null,
        long memory = UsualMemory,
        CancellationToken cancellation = default
    )
    {
        var images = new List<byte[]>();
        var wanted = shape;
        foreach (var read in source.Read(cancellation))
        {
            var image = Fitting(read, shape?.Channels);
            var found = new SampleShape(image.Channels, image.Height, image.Width);
            var target = wanted ?? found;
            if (shape is null && found.Channels > target.Channels)
            {
                target = target with { Channels = found.Channels };
            }

            wanted = target;
            var hasColours = shape?.Channels < found.Channels;
            if (hasColours || (found.Height, found.Width) != (target.Height, target.Width))
            {
                throw DatasetErrors.ImagesDoNotFit(
                    read.Source ?? $"{source.Name}, image {images.Count}",
                    hasColours ? "this one has colours, and the network takes gray images"
                        : shape is null ? $"this one is {found}, and those before it are {target}"
                        : $"this one is {found}, and the network takes {target}"
                );
            }

            // Where the number is known, nobody waits for the memory to run out.
            var needed = Math.Max(source.Count ?? 0, images.Count + 1) * target.Length;
            if (needed > memory)
            {
                throw DatasetErrors.TooManyImages(source.Name, needed, memory);
            }

            images.Add(Planes(image));
        }

        if (wanted is not { } all)
        {
            throw DatasetErrors.ImagesDoNotFit(source.Name, "there are none");
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < images.Count; i++)
        {
            // A gray image that came before the first with colours, or among such.
            images[i] = images[i].Length < all.Length ? [.. images[i], .. images[i], .. images[i]] : images[i];
            hash.AppendData(images[i]);
        }

        return new(source.Name, all, images, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Fills with the images of a step as numbers from −1 (black) to 1 (white), N·C·H·W.</summary>
    /// <param name="noise">The seed.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="first">The place in the step's batch of the first image to fill.</param>
    /// <param name="flip">Whether half of the images, at random, are mirrored left to right.</param>
    /// <param name="destination">Receives a whole number of images.</param>
    public void Fill(NoiseSource noise, int step, int first, bool flip, Span<float> destination)
    {
        var size = Shape.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length % size, 0);
        for (var i = 0; i < destination.Length / size; i++)
        {
            var index = noise.Draw(NoisePurpose.TrainingImage, first + i, step, Count);
            var isFlipped = flip && noise.Draw(NoisePurpose.Flip, first + i, step, 2) == 1;
            Fill(images[index], isFlipped, destination.Slice(i * size, size));
        }
    }

    private void Fill(byte[] image, bool isFlipped, Span<float> destination)
    {
        for (var i = 0; i < image.Length; i++)
        {
            destination[i] = (image[i] / 127.5f) - 1;
        }

        for (var row = 0; isFlipped && row < image.Length; row += Shape.Width)
        {
            destination.Slice(row, Shape.Width).Reverse();
        }
    }

    /// <summary>The image with the channels that a network takes, where it can have them.</summary>
    private static RasterImage Fitting(RasterImage image, int? channels) =>
        channels switch
        {
            1 => image.ToGray() ?? image,
            3 => image.ToRgb(),
            _ => image,
        };

    private static byte[] Planes(RasterImage image)
    {
        var (pixels, channels) = (image.Pixels, image.Channels);
        if (channels == 1)
        {
            return pixels;
        }

        var area = image.Width * image.Height;
        var planes = new byte[pixels.Length];
        for (var i = 0; i < area; i++)
        {
            for (var c = 0; c < channels; c++)
            {
                planes[(c * area) + i] = pixels[(i * channels) + c];
            }
        }

        return planes;
    }
}
