namespace DiffusionQuant.Evaluation.Features;

/// <summary>Resizes images in float32, channel by channel.</summary>
public static class ImageResizer
{
    /// <summary>Resizes an image.</summary>
    /// <param name="pixels">H·W·C numbers: rows from the top, channels side by side.</param>
    /// <param name="width">W.</param>
    /// <param name="height">H.</param>
    /// <param name="channels">C.</param>
    /// <param name="newWidth">The width wanted.</param>
    /// <param name="newHeight">The height wanted.</param>
    /// <param name="filter">How.</param>
    /// <returns>The new image's numbers in the same order; the same array where nothing changes. Cubic weights are negative
    /// in part, so numbers may leave the range of the old ones.</returns>
    /// <exception cref="ArgumentException">The number of pixels does not fit, or the size changes without a filter.</exception>
    public static float[] Resize(
        float[] pixels,
        int width,
        int height,
        int channels,
        int newWidth,
        int newHeight,
        ResizeFilter filter
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(newWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(newHeight);
        if (width < 1 || height < 1 || channels < 1 || pixels.Length != (long)width * height * channels)
        {
            throw new ArgumentException(
                $"{pixels.Length} numbers are no image of {width}x{height}x{channels}.",
                nameof(pixels)
            );
        }

        if (width == newWidth && height == newHeight)
        {
            return pixels;
        }

        return filter switch
        {
            ResizeFilter.AntialiasedBilinear => Antialiased(ResamplingKernel.Triangle),
            ResizeFilter.AntialiasedBicubic => Antialiased(ResamplingKernel.Cubic),
            ResizeFilter.Tf1Bilinear => LegacyBilinear.Resize(pixels, width, height, channels, newWidth, newHeight),
            _ => throw new ArgumentException("An image cannot be resized without a filter.", nameof(filter)),
        };

        float[] Antialiased(ResamplingKernel kernel)
        {
            var horizontal = kernel.Taps(width, newWidth);
            var vertical = kernel.Taps(height, newHeight);
            // PIL's order: first along rows, rounded to float32, then along columns.
            var wide = horizontal is null ? pixels : AlongRows(pixels, height, width, channels, horizontal);
            return vertical is null ? wide : AlongColumns(wide, newWidth * channels, vertical);
        }
    }

    private static float[] AlongRows(float[] pixels, int height, int width, int channels, ResamplingTaps taps)
    {
        var result = new float[height * taps.Count * channels];
        for (var y = 0; y < height; y++)
        {
            var row = pixels.AsSpan(y * width * channels, width * channels);
            for (var x = 0; x < taps.Count; x++)
            {
                var weights = taps.Weights(x);
                var first = taps.First(x);
                for (var c = 0; c < channels; c++)
                {
                    var sum = 0.0;
                    for (var i = 0; i < weights.Length; i++)
                    {
                        sum += row[((first + i) * channels) + c] * weights[i];
                    }

                    result[(((y * taps.Count) + x) * channels) + c] = (float)sum;
                }
            }
        }

        return result;
    }

    private static float[] AlongColumns(float[] pixels, int stride, ResamplingTaps taps)
    {
        var result = new float[taps.Count * stride];
        var sums = new double[stride];
        for (var y = 0; y < taps.Count; y++)
        {
            var weights = taps.Weights(y);
            Array.Clear(sums);
            for (var i = 0; i < weights.Length; i++)
            {
                var row = pixels.AsSpan((taps.First(y) + i) * stride, stride);
                for (var x = 0; x < stride; x++)
                {
                    sums[x] += row[x] * weights[i];
                }
            }

            for (var x = 0; x < stride; x++)
            {
                result[(y * stride) + x] = (float)sums[x];
            }
        }

        return result;
    }
}
