using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>A mask over a picture as inpainting needs it.</summary>
internal static class InpaintingMask
{
    /// <summary>1 for cells of the latents that are made anew: those of which any pixel is.</summary>
    public static float[] OfCells(Picture mask, SampleShape latents)
    {
        if (mask.Height % latents.Height != 0 || mask.Width % latents.Width != 0)
        {
            throw DiffusionErrors.BadSettings(
                "mask",
                string.Create(CultureInfo.InvariantCulture, $"of {mask.Width}×{mask.Height} pixels"),
                $"a multiple of the latents' {latents.Width}×{latents.Height} cells is expected"
            );
        }

        var (rows, columns) = (mask.Height / latents.Height, mask.Width / latents.Width);
        var cells = new float[latents.Height * latents.Width];
        for (var y = 0; y < mask.Height; y++)
        {
            for (var x = 0; x < mask.Width; x++)
            {
                if (IsWhite(mask, (y * mask.Width) + x))
                {
                    cells[(y / rows * latents.Width) + (x / columns)] = 1;
                }
            }
        }

        return cells;
    }

    /// <summary>The picture, gray where it is made anew.</summary>
    public static Picture WithoutMasked(Picture picture, Picture? mask)
    {
        var pixels = (float[])picture.Pixels.Clone();
        var area = picture.Height * picture.Width;
        if (mask is not null && (mask.Height, mask.Width) != (picture.Height, picture.Width))
        {
            throw DiffusionErrors.BadSettings(
                "mask",
                $"of {mask.Width}×{mask.Height} pixels",
                $"the image has {picture.Width}×{picture.Height}"
            );
        }

        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = mask is null || IsWhite(mask, i % area) ? 0 : pixels[i];
        }

        return new(picture.Shape, pixels);
    }

    private static bool IsWhite(Picture mask, int pixel) => mask.Pixels[pixel] > 0;
}
