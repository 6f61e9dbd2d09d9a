using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// The <c>.dqref</c> format: eight bytes of signature with the version, names and extractor, the statistics, the sample of
/// rows, and a SHA-256 over everything before it. Little endian.
/// </summary>
internal static class ReferenceFile
{
    private static readonly byte[] Signature = "DQREF\r\n\x01"u8.ToArray();

    /// <summary>The file of a name that is built in, or null where none is.</summary>
    public static ReferenceStatistics? FindEmbedded(string name)
    {
        var file = name + ReferenceStatistics.FileEnding;
        return EmbeddedFeatures.Has(FeatureExtractor.DefaultName, file)
            ? Parse(EmbeddedFeatures.Bytes(FeatureExtractor.DefaultName, file), file)
            : null;
    }

    /// <summary>Reads a file.</summary>
    public static ReferenceStatistics Read(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.BadReference(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>Writes a file.</summary>
    public static void Write(ReferenceStatistics reference, string path)
    {
        try
        {
            AtomicFile.Write(
                path,
                stream =>
                {
                    using var hashing = new HashingStream(stream);
                    using (var writer = new BinaryWriter(hashing, Encoding.UTF8, leaveOpen: true))
                    {
                        Write(reference, writer);
                    }

                    stream.Write(Convert.FromHexString(hashing.Finish()));
                }
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.CannotWrite(path, e.Message, e);
        }
    }

    private static void Write(ReferenceStatistics reference, BinaryWriter writer)
    {
        writer.Write(Signature);
        writer.Write(reference.Name);
        writer.Write(reference.Extractor.Name);
        writer.Write(reference.Extractor.Sha256);
        writer.Write(reference.Extractor.IsStandardInception);
        reference.WriteNumbers(writer);
    }

    private static ReferenceStatistics Parse(byte[] file, string path)
    {
        if (!file.AsSpan().StartsWith(Signature.AsSpan(..^1)))
        {
            throw FeatureErrors.BadReference(path, "it does not start as one");
        }

        if (file.Length < Signature.Length || file[Signature.Length - 1] != Signature[^1])
        {
            throw FeatureErrors.BadReference(path, "it is of a version that this program does not know");
        }

        var end = file.Length - SHA256.HashSizeInBytes;
        if (end < 0 || !SHA256.HashData(file.AsSpan(0, end)).AsSpan().SequenceEqual(file.AsSpan(end)))
        {
            throw FeatureErrors.BadReference(path, "it is damaged or cut off");
        }

        try
        {
            using var reader = new BinaryReader(new MemoryStream(file, 0, end, writable: false), Encoding.UTF8);
            reader.BaseStream.Position = Signature.Length;
            return new(
                name: reader.ReadString(),
                extractor: new(reader.ReadString(), reader.ReadString(), reader.ReadBoolean()),
                images: reader.ReadInt64(),
                features: GaussianStatistics.Read(reader),
                spatial: reader.ReadBoolean() ? GaussianStatistics.Read(reader) : null,
                reservoir: FeatureReservoir.Read(reader)
            );
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ArgumentException)
        {
            throw FeatureErrors.BadReference(path, e.Message.TrimEnd('.'), e);
        }
    }
}
