using System.Buffers.Binary;
using System.IO.Hashing;
using DiffusionQuant.Onnx.Diagnostics;
using StbImageSharp;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>Reads PNG files of all colour types and depths, interlaced or not, as gray or RGB with 8 bits a channel.</summary>
public static class PngImage
{
    private const int ChunkOverhead = 12;
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Reads a file. Depths below 8 bits are scaled, of 16 bits the upper 8 are kept; transparency is dropped, not
    /// blended.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DiffusionQuantException">DQ3028: it is missing, damaged, or no PNG file.</exception>
    public static RasterImage Load(string path)
    {
        try
        {
            return Decode(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetErrors.BadPng(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="file">The file's content.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <exception cref="DiffusionQuantException">DQ3028: as for <see cref="Load"/>.</exception>
    public static RasterImage Decode(byte[] file, string path)
    {
        CheckChunks(file, path);
        ImageResult decoded;
        try
        {
            decoded = ImageResult.FromMemory(file, ColorComponents.Default);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw DatasetErrors.BadPng(path, e.Message.TrimEnd('.'), e);
        }

        var stored = (int)decoded.SourceComp;
        var channels = stored is 1 or 2 ? 1 : 3;
        return new(decoded.Width, decoded.Height, channels, Colours(decoded.Data, stored, channels));
    }

    /// <summary>Leaves out the alpha channel.</summary>
    private static byte[] Colours(byte[] data, int stored, int channels)
    {
        if (stored == channels)
        {
            return data;
        }

        var result = new byte[data.Length / stored * channels];
        for (int from = 0, to = 0; to < result.Length; from += stored, to += channels)
        {
            data.AsSpan(from, channels).CopyTo(result.AsSpan(to));
        }

        return result;
    }

    /// <summary>Checks what the decoder does not: that all chunks are there, with the right sums.</summary>
    private static void CheckChunks(byte[] file, string path)
    {
        if (!file.AsSpan().StartsWith(Signature))
        {
            throw DatasetErrors.BadPng(path, "it does not start as one");
        }

        var at = Signature.Length;
        while (true)
        {
            if (file.Length - at < ChunkOverhead)
            {
                throw DatasetErrors.BadPng(path, "it is cut off");
            }

            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (length < 0 || length > file.Length - at - ChunkOverhead)
            {
                throw DatasetErrors.BadPng(path, "it is cut off");
            }

            var typeAndData = file.AsSpan(at + 4, length + 4);
            var sum = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length));
            if (Crc32.HashToUInt32(typeAndData) != sum)
            {
                throw DatasetErrors.BadPng(path, "a checksum does not match, so it is damaged");
            }

            if (typeAndData.StartsWith("IEND"u8))
            {
                return;
            }

            at += ChunkOverhead + length;
        }
    }
}
