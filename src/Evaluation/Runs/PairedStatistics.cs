namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What is kept of images that were made by both models from the same noise: a few numbers for each.</summary>
public sealed class PairedStatistics
{
    /// <summary>How many pairs of pictures are kept to be looked at.</summary>
    public const int Pictures = 8;

    private readonly SortedDictionary<int, PairedImage> images = [];

    /// <summary>The images, in the order of their indices.</summary>
    public IReadOnlyCollection<PairedImage> Images => images.Values;

    /// <summary>Adds an image.</summary>
    public void Add(PairedImage image) => images.Add(image.Index, image);

    /// <summary>Adds other images of the same run.</summary>
    public void Add(PairedStatistics other)
    {
        foreach (var image in other.Images)
        {
            Add(image);
        }
    }

    /// <summary>Writes them.</summary>
    public void Write(BinaryWriter writer)
    {
        writer.Write(images.Count);
        foreach (var image in images.Values)
        {
            writer.Write(image.Index);
            writer.Write(image.Psnr ?? double.NaN);
            writer.Write(image.Ssim ?? double.NaN);
            writer.Write(image.Steps.Count);
            foreach (var (signal, noise) in image.Steps)
            {
                writer.Write(signal);
                writer.Write(noise);
            }

            Write(writer, image.Latents);
            Write(writer, image.Clip);
            Write(writer, image.FloatPng);
            Write(writer, image.QuantizedPng);
        }
    }

    /// <summary>Reads what <see cref="Write(BinaryWriter)"/> wrote.</summary>
    public static PairedStatistics Read(BinaryReader reader)
    {
        var result = new PairedStatistics();
        var count = reader.ReadInt32();
        for (var i = 0; i < count; i++)
        {
            var (index, psnr, ssim) = (reader.ReadInt32(), reader.ReadDouble(), reader.ReadDouble());
            var steps = new (double, double)[reader.ReadInt32()];
            for (var step = 0; step < steps.Length; step++)
            {
                steps[step] = (reader.ReadDouble(), reader.ReadDouble());
            }

            result.Add(
                new PairedImage(index, double.IsNaN(psnr) ? null : psnr, double.IsNaN(ssim) ? null : ssim, steps)
                {
                    Latents = ReadPair(reader),
                    Clip = ReadPair(reader),
                    FloatPng = ReadBytes(reader),
                    QuantizedPng = ReadBytes(reader),
                }
            );
        }

        return result;
    }

    private static void Write(BinaryWriter writer, (double First, double Second)? pair)
    {
        writer.Write(pair is not null);
        if (pair is { } both)
        {
            writer.Write(both.First);
            writer.Write(both.Second);
        }
    }

    private static (double, double)? ReadPair(BinaryReader reader) =>
        reader.ReadBoolean() ? (reader.ReadDouble(), reader.ReadDouble()) : null;

    private static void Write(BinaryWriter writer, byte[]? bytes)
    {
        writer.Write(bytes?.Length ?? 0);
        writer.Write(bytes ?? []);
    }

    private static byte[]? ReadBytes(BinaryReader reader) =>
        reader.ReadInt32() is > 0 and var length ? reader.ReadBytes(length) : null;
}

/// <summary>An image that was made by both models.</summary>
/// <param name="Index">Its index.</param>
/// <param name="Psnr">PSNR of the final images in dB; null where the model makes no images.</param>
/// <param name="Ssim">SSIM of the final images; null where the model makes no images.</param>
/// <param name="Steps">For each step Σε² and Σ(ε − ε̂)² over the network's output on the float model's x_t.</param>
public sealed record PairedImage(
    int Index,
    double? Psnr,
    double? Ssim,
    IReadOnlyList<(double Signal, double Noise)> Steps
)
{
    /// <summary>Σz² and Σ(z − ẑ)² over the final latents; null where the samples are images.</summary>
    public (double Signal, double Noise)? Latents { get; init; }

    /// <summary>How well both models' images fit the prompt, 0 to 100; null where no CLIP model says.</summary>
    public (double Float, double Model)? Clip { get; init; }

    /// <summary>The float model's picture, where it is kept.</summary>
    public byte[]? FloatPng { get; init; }

    /// <summary>The quantized model's picture, where it is kept.</summary>
    public byte[]? QuantizedPng { get; init; }
}
