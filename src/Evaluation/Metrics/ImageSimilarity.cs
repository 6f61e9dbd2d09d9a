using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>How similar two images of bytes are.</summary>
public static class ImageSimilarity
{
    private const double Peak = 255;
    private const int WindowSize = 11;
    private const double WindowDeviation = 1.5;

    // (K·L)² with K1 = 0.01 and K2 = 0.03.
    private const double LuminanceConstant = 0.01 * Peak * (0.01 * Peak);
    private const double ContrastConstant = 0.03 * Peak * (0.03 * Peak);

    /// <summary>The peak signal-to-noise ratio, 10·log10(255² / mean((a − b)²)), in dB.</summary>
    /// <param name="a">The pixels of an image.</param>
    /// <param name="b">As many pixels.</param>
    /// <returns>The ratio; infinite where both are equal.</returns>
    /// <exception cref="ArgumentException">There are no pixels, or not as many of each.</exception>
    public static double Psnr(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length != b.Length || a.IsEmpty)
        {
            throw new ArgumentException($"Images of {a.Length} and {b.Length} bytes cannot be compared.");
        }

        long squares = 0;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            squares += difference * difference;
        }

        return squares == 0 ? double.PositiveInfinity : 10 * Math.Log10(Peak * Peak / ((double)squares / a.Length));
    }

    /// <summary>
    /// SSIM (Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", eq. 13): windows of
    /// 11 × 11 weighted by a Gaussian of σ = 1.5 that lie wholly within the image, the mean over windows and channels.
    /// </summary>
    /// <param name="a">An image.</param>
    /// <param name="b">An image of the same size.</param>
    /// <returns>The similarity, 1 for equal images. Images smaller than the window get the largest odd window that they hold.</returns>
    /// <exception cref="ArgumentException">They are not of the same size.</exception>
    public static double Ssim(RasterImage a, RasterImage b)
    {
        if ((a.Width, a.Height, a.Channels) != (b.Width, b.Height, b.Channels))
        {
            throw new ArgumentException(
                $"An image of {a.Width}x{a.Height}x{a.Channels} cannot be compared with one of {b.Width}x{b.Height}x{b.Channels}."
            );
        }

        var smallest = Math.Min(a.Width, a.Height);
        if (smallest < 1 || a.Channels < 1)
        {
            throw new ArgumentException("An image without pixels cannot be compared.");
        }

        var window = Window(Math.Min(WindowSize, smallest % 2 == 1 ? smallest : smallest - 1));
        var sum = 0.0;
        for (var channel = 0; channel < a.Channels; channel++)
        {
            sum += Ssim(Plane(a, channel), Plane(b, channel), a.Width, a.Height, window);
        }

        return sum / a.Channels;
    }

    private static double Ssim(double[] x, double[] y, int width, int height, double[] window)
    {
        var meanX = Blur(x, width, height, window);
        var meanY = Blur(y, width, height, window);
        var meanXX = Blur(Product(x, x), width, height, window);
        var meanYY = Blur(Product(y, y), width, height, window);
        var meanXY = Blur(Product(x, y), width, height, window);
        var sum = 0.0;
        for (var i = 0; i < meanX.Length; i++)
        {
            var (mx, my) = (meanX[i], meanY[i]);
            var variances = meanXX[i] - (mx * mx) + (meanYY[i] - (my * my));
            var covariance = meanXY[i] - (mx * my);
            sum +=
                ((2 * mx * my) + LuminanceConstant)
                * ((2 * covariance) + ContrastConstant)
                / (((mx * mx) + (my * my) + LuminanceConstant) * (variances + ContrastConstant));
        }

        return sum / meanX.Length;
    }

    private static double[] Window(int size)
    {
        var weights = new double[size];
        for (var i = 0; i < size; i++)
        {
            var offset = (i - (size / 2)) / WindowDeviation;
            weights[i] = Math.Exp(-offset * offset / 2);
        }

        var sum = weights.Sum();
        return [.. weights.Select(w => w / sum)];
    }

    /// <summary>Weighted means over windows: along rows and then along columns, as the weights are a product of both.</summary>
    private static double[] Blur(double[] plane, int width, int height, double[] window)
    {
        var columns = width - window.Length + 1;
        var rows = height - window.Length + 1;
        var alongRows = new double[columns * height];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < columns; x++)
            {
                for (var k = 0; k < window.Length; k++)
                {
                    alongRows[(y * columns) + x] += window[k] * plane[(y * width) + x + k];
                }
            }
        }

        var means = new double[columns * rows];
        for (var y = 0; y < rows; y++)
        {
            for (var k = 0; k < window.Length; k++)
            {
                for (var x = 0; x < columns; x++)
                {
                    means[(y * columns) + x] += window[k] * alongRows[((y + k) * columns) + x];
                }
            }
        }

        return means;
    }

    private static double[] Plane(RasterImage image, int channel)
    {
        var plane = new double[image.Width * image.Height];
        for (var i = 0; i < plane.Length; i++)
        {
            plane[i] = image.Pixels[(i * image.Channels) + channel];
        }

        return plane;
    }

    private static double[] Product(double[] a, double[] b)
    {
        var product = new double[a.Length];
        System.Numerics.Tensors.TensorPrimitives.Multiply<double>(a, b, product);
        return product;
    }
}
