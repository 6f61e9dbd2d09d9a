using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace DiffusionQuant.Extensions.AI;

/// <summary>The picture of a request that a generation starts from.</summary>
internal static class OriginalPicture
{
    private static readonly Configuration Formats = new(
        new PngConfigurationModule(),
        new JpegConfigurationModule(),
        new BmpConfigurationModule(),
        new WebpConfigurationModule()
    );

    /// <summary>A request's original image; null where it has none.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1161: there are several, or it is not data.</exception>
    public static DataContent? Of(IEnumerable<AIContent>? images) =>
        images?.ToArray() switch
        {
            null or [] => null,
            [DataContent data] => data,
            // What a request names is not fetched: it may be the address of something that only this machine reaches.
            [var other] => throw GeneratorErrors.BadOriginal(
                $"it is a {other?.GetType().Name ?? "null"}, not its data"
            ),
            var several => throw GeneratorErrors.BadOriginal($"there are {several.Length}"),
        };

    /// <summary>Decodes a picture. Transparency is dropped, and what a camera held askew is set upright.</summary>
    /// <param name="file">PNG, JPEG, WebP or BMP; its content tells which.</param>
    /// <param name="size">The size that it must have.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1161: it is damaged, of another format or of another size.</exception>
    public static Picture Decode(ReadOnlyMemory<byte> file, Size size)
    {
        try
        {
            var bytes = file.ToArray();
            // Before any pixel is decoded: a small file may claim to be a picture that fills the memory.
            var info =
                Image.Identify(Formats, bytes, out _) ?? throw GeneratorErrors.BadOriginal("its format is not known");
            if ((long)info.Width * info.Height != (long)size.Width * size.Height)
            {
                throw WrongSize(info.Width, info.Height, size);
            }

            using var image = Image.Load<Rgb24>(Formats, bytes);
            image.Mutate(i => i.AutoOrient());
            if (image.Size() != size)
            {
                throw WrongSize(image.Width, image.Height, size);
            }

            var pixels = new byte[image.Width * image.Height * 3];
            image.CopyPixelDataTo(pixels);
            return Picture.FromBytes(new(3, image.Height, image.Width), pixels);
        }
        // Damage surfaces as whatever a decoder ran into.
        catch (Exception e) when (e is not (OutOfMemoryException or DiffusionQuantException))
        {
            throw GeneratorErrors.BadOriginal(e.Message.ReplaceLineEndings(" ").TrimEnd('.'), e);
        }
    }

    private static DiffusionQuantException WrongSize(int width, int height, Size size) =>
        GeneratorErrors.BadOriginal(
            $"it has {width}×{height} pixels, and the model makes {size.Width}×{size.Height} (width × height)"
        );
}
