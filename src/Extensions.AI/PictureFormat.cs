using DiffusionQuant.Diffusion;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace DiffusionQuant.Extensions.AI;

/// <summary>As what pictures are written.</summary>
/// <param name="MediaType">Its name.</param>
/// <param name="Encoder">Writes it; null for PNG, which the library writes itself, as <see cref="Picture.SavePng"/> does.</param>
internal sealed record PictureFormat(string MediaType, IImageEncoder? Encoder)
{
    // Near enough to the original that nobody sees the difference at a glance; ImageSharp's own 75 shows on flat grounds.
    private const int Quality = 90;

    private static readonly PictureFormat[] All =
    [
        new("image/png", null),
        new("image/jpeg", new JpegEncoder { Quality = Quality }),
        new("image/webp", new WebpEncoder { Quality = Quality }),
        new("image/bmp", new BmpEncoder()),
    ];

    /// <summary>The format of that name, PNG for null.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1160: there is none.</exception>
    public static PictureFormat Of(string? mediaType) =>
        mediaType is null
            ? All[0]
            : Array.Find(All, f => f.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase))
                ?? throw GeneratorErrors.BadOption(
                    "MediaType",
                    $"'{mediaType}'",
                    $"one of {string.Join(", ", All.Select(f => f.MediaType))} is expected"
                );

    /// <summary>A picture's file.</summary>
    public byte[] Encode(Picture picture)
    {
        var bytes = picture.ToBytes();
        return Encoder is null ? PngWriter.Encode(bytes, picture.Width, picture.Height, picture.Channels)
            : picture.Channels == 1 ? Encode<L8>(bytes, picture)
            : Encode<Rgb24>(bytes, picture);
    }

    private byte[] Encode<TPixel>(byte[] bytes, Picture picture)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        using var image = Image.LoadPixelData<TPixel>(bytes, picture.Width, picture.Height);
        using var file = new MemoryStream();
        image.Save(file, Encoder!);
        return file.ToArray();
    }
}
