using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>An image of bytes, as datasets hold them and as metrics of distributions expect them.</summary>
/// <param name="Width">Pixels from left to right.</param>
/// <param name="Height">Pixels from top to bottom.</param>
/// <param name="Channels">1 for gray, 3 for RGB.</param>
/// <param name="Pixels">Height·Width·Channels bytes: rows from the top, channels side by side, 0 black to 255 white.</param>
public sealed record RasterImage(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>How far apart red, green and blue of a gray pixel may be after a lossy format: 2 of 255, which no eye
    /// sees.</summary>
    public const int GrayTolerance = 2;

    /// <summary>Where the image comes from, for messages: its file, or its place in an array; null where that is not
    /// known.</summary>
    public string? Source { get; init; }

    /// <summary>The image with one channel; null where it has colours.</summary>
    /// <param name="tolerance">How far apart red, green and blue of a gray pixel may be.</param>
    public RasterImage? ToGray(int tolerance = GrayTolerance)
    {
        if (Channels == 1)
        {
            return this;
        }

        var gray = new byte[Pixels.Length / 3];
        for (var i = 0; i < gray.Length; i++)
        {
            var (r, g, b) = (Pixels[3 * i], Pixels[(3 * i) + 1], Pixels[(3 * i) + 2]);
            if (Math.Max(r, Math.Max(g, b)) - Math.Min(r, Math.Min(g, b)) > tolerance)
            {
                return null;
            }

            // Rec. 601's weights in 16 bits, whose sum is one: equal bytes stay what they are.
            gray[i] = (byte)(((19595 * r) + (38470 * g) + (7471 * b) + 32768) >> 16);
        }

        return this with
        {
            Channels = 1,
            Pixels = gray,
        };
    }

    /// <summary>The image as pipelines take one.</summary>
    public Picture ToPicture() => Picture.FromBytes(new(Channels, Height, Width), Pixels);

    /// <summary>The image with three channels, which are equal where it is gray.</summary>
    public RasterImage ToRgb()
    {
        if (Channels == 3)
        {
            return this;
        }

        var rgb = new byte[3 * Pixels.Length];
        for (var i = 0; i < rgb.Length; i++)
        {
            rgb[i] = Pixels[i / 3];
        }

        return this with
        {
            Channels = 3,
            Pixels = rgb,
        };
    }
}
