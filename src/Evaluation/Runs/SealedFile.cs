using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>
/// Files that are there as a whole or as they were, and that show damage: the SHA-256 of all before it stands at their end.
/// Parts travel between machines and disks, and a sum with a wrong bit would look like any other.
/// </summary>
internal static class SealedFile
{
    /// <summary>Writes a file beside its place and renames it.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="kind">How it begins: what kind of file it is, and of which version.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">It cannot be written; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public static void Write(string path, ReadOnlySpan<byte> kind, Action<BinaryWriter> write)
    {
        var magic = kind.ToArray();
        AtomicFile.Write(
            path,
            file =>
            {
                using var hash = new HashingStream(file);
                using (var writer = new BinaryWriter(new BufferedStream(hash, 1 << 16), Encoding.UTF8, leaveOpen: true))
                {
                    writer.Write(magic);
                    write(writer);
                }

                file.Write(Convert.FromHexString(hash.Finish()));
            }
        );
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">How it must begin.</param>
    /// <param name="read">Reads its content.</param>
    /// <exception cref="InvalidDataException">It is of another kind or damaged.</exception>
    /// <exception cref="IOException">It cannot be read; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public static T Read<T>(string path, ReadOnlySpan<byte> kind, Func<BinaryReader, T> read)
    {
        using var stream = new BufferedStream(File.OpenRead(path), 1 << 16);
        using var reader = new BinaryReader(stream, Encoding.UTF8);
        if (!reader.ReadBytes(kind.Length).AsSpan().SequenceEqual(kind))
        {
            throw new InvalidDataException("It does not begin as one of this version.");
        }

        // Before anything is believed, lengths in it above all.
        var end = stream.Length - SHA256.HashSizeInBytes;
        if (end < kind.Length || !IsWhole(reader, end))
        {
            throw new InvalidDataException("It is cut off or damaged: its checksum does not fit.");
        }

        stream.Position = kind.Length;
        var result = read(reader);
        return stream.Position == end ? result : throw new InvalidDataException("It goes on behind its end.");
    }

    private static bool IsWhole(BinaryReader reader, long end)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        reader.BaseStream.Position = 0;
        for (var left = end; left > 0; )
        {
            var count = reader.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            hash.AppendData(buffer, 0, count);
            left -= count;
        }

        return hash.GetHashAndReset().AsSpan().SequenceEqual(reader.ReadBytes(SHA256.HashSizeInBytes));
    }
}
