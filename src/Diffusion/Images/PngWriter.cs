using System.Buffers.Binary;
using System.IO.Compression;

namespace DiffusionQuant.Diffusion;

/// <summary>Writes PNG files of 8 bits a channel, gray or RGB (ISO/IEC 15948), filtered by "Up".</summary>
public static class PngWriter
{
    private const int Gray = 0;
    private const int Rgb = 2;
    private const byte FilterUp = 2;
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];
    private static readonly uint[] CrcTable = MakeCrcTable();

    /// <summary>Encodes an image.</summary>
    /// <param name="pixels">Rows from the top, pixels from the left, channels side by side: W·H·C bytes.</param>
    /// <param name="width">W.</param>
    /// <param name="height">H.</param>
    /// <param name="channels">1 for gray, 3 for RGB.</param>
    /// <returns>The file's bytes.</returns>
    /// <exception cref="ArgumentException">The number of channels or of bytes does not fit.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int channels)
    {
        if (channels is not (1 or 3))
        {
            throw new ArgumentException($"An image has 1 or 3 channels, not {channels}.", nameof(channels));
        }

        if (pixels.Length != width * height * channels)
        {
            throw new ArgumentException(
                $"{width}×{height}×{channels} pixels take {width * height * channels} bytes, not {pixels.Length}.",
                nameof(pixels)
            );
        }

        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = (byte)(channels == 1 ? Gray : Rgb);
        header[10..].Clear();
        using var file = new MemoryStream();
        file.Write(Signature);
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(pixels, width * channels, height));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>Writes an image.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="pixels">W·H·C bytes as for <see cref="Encode"/>.</param>
    /// <param name="width">W.</param>
    /// <param name="height">H.</param>
    /// <param name="channels">1 for gray, 3 for RGB.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1059: the file cannot be written.</exception>
    public static void Save(string path, ReadOnlySpan<byte> pixels, int width, int height, int channels)
    {
        var bytes = Encode(pixels, width, height, channels);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.WriteAllBytes(path, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiffusionErrors.CannotWriteImage(path, e.Message, e);
        }
    }

    private static byte[] Compress(ReadOnlySpan<byte> pixels, int stride, int height)
    {
        using var compressed = new MemoryStream();
        using (var stream = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var line = new byte[stride + 1];
            line[0] = FilterUp;
            for (var y = 0; y < height; y++)
            {
                var row = pixels.Slice(y * stride, stride);
                for (var x = 0; x < stride; x++)
                {
                    var above = y > 0 ? pixels[((y - 1) * stride) + x] : 0;
                    line[x + 1] = unchecked((byte)(row[x] - above));
                }

                stream.Write(line);
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), data));
        file.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (var b in data)
        {
            crc = CrcTable[(crc ^ b) & 0xFF] ^ (crc >> 8);
        }

        return crc;
    }

    private static uint[] MakeCrcTable()
    {
        const uint Polynomial = 0xEDB88320;
        var table = new uint[256];
        for (var n = 0u; n < table.Length; n++)
        {
            var c = n;
            for (var bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? Polynomial ^ (c >> 1) : c >> 1;
            }

            table[n] = c;
        }

        return table;
    }
}
