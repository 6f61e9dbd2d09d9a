using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class ImageSimilarityTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Agrees_with_an_independent_calculation(int index)
    {
        var expected = ReferenceFile.Read<Case[]>("similarity.json")[index];
        var a = Image(1, expected, expected.Noise1);
        var b = Image(2, expected, expected.Noise2);
        Assert.Equal(expected.Ssim, ImageSimilarity.Ssim(a, b), 1e-9);
        Assert.Equal(expected.Ssim, ImageSimilarity.Ssim(b, a), 1e-9);
        Assert.Equal(expected.Psnr, ImageSimilarity.Psnr(a.Pixels, b.Pixels), 1e-9);
    }

    [Fact]
    public void Equal_images_are_perfect()
    {
        var image = Image(1, new(32, 20, 3, 0, 0, 0, 0), 4);
        Assert.Equal(double.PositiveInfinity, ImageSimilarity.Psnr(image.Pixels, image.Pixels));
        Assert.Equal(1, ImageSimilarity.Ssim(image, image), 1e-12);
    }

    [Fact]
    public void Black_and_white_have_a_ratio_of_1()
    {
        Assert.Equal(0, ImageSimilarity.Psnr([0, 0, 0], [255, 255, 255]));
        // One step of 255 is known by heart: 48.13 dB.
        Assert.Equal(48.1308, ImageSimilarity.Psnr([7, 8], [8, 7]), 1e-4);
    }

    [Fact]
    public void Images_of_different_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ImageSimilarity.Psnr([1], [1, 2]));
        Assert.Throws<ArgumentException>(() => ImageSimilarity.Psnr([], []));
        var wide = new RasterImage(4, 2, 1, new byte[8]);
        Assert.Throws<ArgumentException>(() => ImageSimilarity.Ssim(wide, new RasterImage(2, 4, 1, new byte[8])));
        var none = new RasterImage(0, 0, 1, []);
        Assert.Throws<ArgumentException>(() => ImageSimilarity.Ssim(none, none));
    }

    /// <summary>The same image as reference/similarity.py: a ramp and noise in eighths.</summary>
    private static RasterImage Image(ulong seed, Case size, int noise)
    {
        var pixels = new byte[size.Width * size.Height * size.Channels];
        for (var i = 0; i < pixels.Length; i++)
        {
            var ramp = i * 7 / size.Channels % 256;
            pixels[i] = (byte)(((ramp * (8 - noise)) + ((int)(PlantedFeatures.SplitMix(seed, i) & 0xFF) * noise)) / 8);
        }

        return new(size.Width, size.Height, size.Channels, pixels);
    }

    private sealed record Case(int Width, int Height, int Channels, int Noise1, int Noise2, double Ssim, double Psnr);
}
