using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>Brings pictures of bytes into the size, layout and range that a CLIP model takes, as transformers' processor does:
/// resized, rounded to bytes, cut to the middle, scaled.</summary>
internal static class ClipImages
{
    private const int Channels = 3;

    /// <summary>The numbers of a picture: 3·H·W, channel after channel. A gray one has the same in each.</summary>
    public static (float[] Pixels, int Height, int Width) Prepare(RasterImage image, ClipImageSettings settings)
    {
        var rgb = image.ToRgb();
        var (resizedHeight, resizedWidth) = Resized(rgb, settings);
        var pixels = Array.ConvertAll(rgb.Pixels, p => (float)p);
        // PIL makes bytes behind each axis, columns of pixels last.
        var wide = Resize(pixels, rgb.Width, rgb.Height, resizedWidth, rgb.Height, settings.Filter);
        var resized = Resize(wide, resizedWidth, rgb.Height, resizedWidth, resizedHeight, settings.Filter);
        var (height, width) = settings.Crop ?? (resizedHeight, resizedWidth);
        // Of what is smaller than the cut the border is black, as in transformers.
        var top = FloorHalf(resizedHeight - height);
        var left = FloorHalf(resizedWidth - width);
        var result = new float[Channels * height * width];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (fromY, fromX) = (y + top, x + left);
                var isInside = fromY >= 0 && fromY < resizedHeight && fromX >= 0 && fromX < resizedWidth;
                var from = ((fromY * resizedWidth) + fromX) * Channels;
                for (var c = 0; c < Channels; c++)
                {
                    var value = isInside ? resized[from + c] : 0;
                    result[(((c * height) + y) * width) + x] = (float)(
                        ((value * settings.Scale) - settings.Mean[c]) / settings.Deviation[c]
                    );
                }
            }
        }

        return (result, height, width);
    }

    private static (int Height, int Width) Resized(RasterImage image, ClipImageSettings settings)
    {
        if (settings.ShortestEdge is not { } edge)
        {
            return settings.Exact ?? (image.Height, image.Width);
        }

        // The longer side is cut off to whole pixels, as transformers does.
        return image.Height <= image.Width
            ? (edge, (int)((long)edge * image.Width / image.Height))
            : ((int)((long)edge * image.Height / image.Width), edge);
    }

    private static float[] Resize(
        float[] pixels,
        int width,
        int height,
        int newWidth,
        int newHeight,
        ResizeFilter filter
    ) =>
        Array.ConvertAll(
            ImageResizer.Resize(pixels, width, height, Channels, newWidth, newHeight, filter),
            p => Math.Clamp(MathF.Floor(p + 0.5f), byte.MinValue, byte.MaxValue)
        );

    private static int FloorHalf(int value) => (int)Math.Floor(value / 2.0);
}
