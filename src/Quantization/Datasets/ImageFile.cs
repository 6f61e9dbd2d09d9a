using DiffusionQuant.Onnx.Diagnostics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tga;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Metadata;
using SixLabors.ImageSharp.PixelFormats;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>
/// Reads image files (PNG, JPEG, BMP, WebP, GIF, TIFF, TGA) as gray or RGB with 8 bits a channel. The same pixels give the
/// same image whatever the format: an image is gray where red, green and blue are equal everywhere.
/// </summary>
public static class ImageFile
{
    private static readonly Configuration Formats = CreateFormats();

    private static readonly HashSet<string> Endings =
    [
        .. Formats.ImageFormats.SelectMany(f => f.FileExtensions).Select(e => '.' + e.ToUpperInvariant()),
    ];

    /// <summary>Whether a file is called like an image of one of these formats.</summary>
    /// <param name="path">The file.</param>
    public static bool IsCalledLikeOne(string path) => Endings.Contains(Path.GetExtension(path).ToUpperInvariant());

    /// <summary>Reads a file, whose content and not whose name tells the format. Depths below 8 bits are scaled, those above
    /// rounded; transparency is dropped, not blended; of several pictures the first is taken, as it is stored.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DiffusionQuantException">DQ3028: it is missing, damaged, cut off, or of another format.</exception>
    public static RasterImage Load(string path)
    {
        try
        {
            return Decode(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetErrors.BadImage(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="file">The file's content.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <exception cref="DiffusionQuantException">DQ3028: as for <see cref="Load"/>.</exception>
    public static RasterImage Decode(byte[] file, string path)
    {
        try
        {
            using var image = Image.Load<Rgb24>(Formats, file, out var format);
            if (!ImageEnd.IsThere(file, format, image))
            {
                throw DatasetErrors.BadImage(path, "it is cut off");
            }

            var pixels = new byte[checked(image.Width * image.Height * 3)];
            image.Frames.RootFrame.CopyPixelDataTo(pixels);
            var stored = new RasterImage(image.Width, image.Height, 3, pixels) { Source = path };
            return stored.ToGray(tolerance: 0) ?? stored;
        }
        // Damage surfaces as whatever a decoder ran into.
        catch (Exception e) when (e is not (OutOfMemoryException or DiffusionQuantException))
        {
            throw DatasetErrors.BadImage(path, WhyOf(e), e);
        }
    }

    private static Configuration CreateFormats()
    {
        var formats = new Configuration(
            new PngConfigurationModule(),
            new JpegConfigurationModule(),
            new BmpConfigurationModule(),
            new WebpConfigurationModule(),
            new GifConfigurationModule(),
            new TiffConfigurationModule(),
            new TgaConfigurationModule()
        )
        {
            // How many threads work is for the caller to say.
            MaxDegreeOfParallelism = 1,
        };
        const FrameDecodingMode Still = FrameDecodingMode.First;
        formats.ImageFormatsManager.SetDecoder(GifFormat.Instance, new GifDecoder { DecodingMode = Still });
        formats.ImageFormatsManager.SetDecoder(TiffFormat.Instance, new TiffDecoder { DecodingMode = Still });
        return formats;
    }

    private static string WhyOf(Exception e) =>
        e is UnknownImageFormatException
            ? $"its content is none of {string.Join(", ", Formats.ImageFormats.Select(f => f.Name))}"
            : e.Message.ReplaceLineEndings(" ").TrimEnd('.');
}
