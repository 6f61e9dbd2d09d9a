using System.Buffers.Binary;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Tga;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>
/// Tells whether a file of an image goes on to the image's end. Decoders of some formats fill up with gray what is missing,
/// and half a picture would become data. The file has been decoded, so its headers are in order.
/// </summary>
internal static class ImageEnd
{
    /// <param name="file">The file.</param>
    /// <param name="format">Its format.</param>
    /// <param name="image">What was decoded of it.</param>
    public static bool IsThere(ReadOnlySpan<byte> file, IImageFormat format, Image image)
    {
        try
        {
            return format switch
            {
                BmpFormat => OfBmp(file),
                GifFormat => OfGif(file),
                JpegFormat => OfJpeg(file),
                TgaFormat => OfTga(file),
                TiffFormat => OfTiff(file, image.Frames.RootFrame.Metadata.ExifProfile),
                WebpFormat => file.Length - 8L >= BinaryPrimitives.ReadUInt32LittleEndian(file[4..]),
                // PNG, whose decoder says so itself.
                _ => true,
            };
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return false;
        }
    }

    /// <summary>Uncompressed rows are as long as the header says; where compressed ones end, the decoder notices.</summary>
    private static bool OfBmp(ReadOnlySpan<byte> file)
    {
        const int InfoHeader = 40;
        const int Uncompressed = 0;
        const int BitFields = 3;
        var start = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        var isOld = BinaryPrimitives.ReadUInt32LittleEndian(file[14..]) < InfoHeader;
        long width = isOld
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[18..])
            : BinaryPrimitives.ReadInt32LittleEndian(file[18..]);
        long height = isOld
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[20..])
            : BinaryPrimitives.ReadInt32LittleEndian(file[22..]);
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(file[(isOld ? 24 : 28)..]);
        var compression = isOld ? Uncompressed : BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        return compression is not (Uncompressed or BitFields)
            || file.Length - start >= ((width * bits) + 31) / 32 * 4 * Math.Abs(height);
    }

    /// <summary>Blocks follow one another; the first picture's ends with an empty part.</summary>
    private static bool OfGif(ReadOnlySpan<byte> file)
    {
        const int Header = 13;
        const int PictureHeader = 10;
        const byte Picture = 0x2C;
        var at = Header + PaletteBytes(file[10]);
        while (true)
        {
            var isPicture = file[at] == Picture;
            // Behind the header of a picture is one byte of its compression; an extension has a label.
            at += isPicture ? PictureHeader + PaletteBytes(file[at + PictureHeader - 1]) + 1 : 2;
            for (; file[at] != 0; at += file[at] + 1) { }
            at++;
            if (isPicture)
            {
                return at <= file.Length;
            }
        }

        static int PaletteBytes(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
    }

    /// <summary>
    /// Segments have lengths; behind the start of a scan come coded data, in which a marker is not followed by zero. What
    /// lies behind the end (other pictures, a film) does not matter, nor does a small picture inside a segment.
    /// </summary>
    private static bool OfJpeg(ReadOnlySpan<byte> file)
    {
        const byte Mark = 0xFF;
        const byte End = 0xD9;
        for (var at = 2; ; )
        {
            at += file[at..].IndexOf(Mark) is >= 0 and var next
                ? next
                : throw new ArgumentOutOfRangeException(nameof(file));
            var marker = file[at + 1];
            switch (marker)
            {
                case End:
                    return true;
                case Mark:
                    at++;
                    break;
                // A byte of the coded data, and the marks between their parts.
                case 0 or 1 or (>= 0xD0 and <= 0xD8):
                    at += 2;
                    break;
                default:
                    at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
                    break;
            }
        }
    }

    /// <summary>Rows that are not compressed lie behind the header, a text and a palette.</summary>
    private static bool OfTga(ReadOnlySpan<byte> file)
    {
        const int Header = 18;
        const int Compressed = 8;
        var palette = BinaryPrimitives.ReadUInt16LittleEndian(file[5..]) * ((file[7] + 7) / 8);
        var pixels =
            (long)BinaryPrimitives.ReadUInt16LittleEndian(file[12..])
            * BinaryPrimitives.ReadUInt16LittleEndian(file[14..]);
        return file[2] >= Compressed || file.Length >= Header + file[0] + palette + (pixels * ((file[16] + 7) / 8));
    }

    /// <summary>The directory, which may stand before the pixels, names the place and the length of each strip.</summary>
    private static bool OfTiff(ReadOnlySpan<byte> file, ExifProfile? directory)
    {
        var starts = directory?.GetValue(ExifTag.StripOffsets)?.Value ?? [];
        var lengths = directory?.GetValue(ExifTag.StripByteCounts)?.Value ?? [];
        var end = starts.Zip(lengths, (start, length) => (long)(uint)start + (uint)length).DefaultIfEmpty().Max();
        return file.Length >= end;
    }
}
