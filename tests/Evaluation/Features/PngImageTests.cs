using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

/// <summary>Files of reference/features.py: written by PIL, but for the interlaced one, which PIL read back.</summary>
public sealed class PngImageTests
{
    private static readonly RasterImage Rgb = TestFiles.Image(5, 7, 3);
    private static readonly RasterImage Gray = TestFiles.Image(5, 7, 1);

    [Theory]
    [InlineData("rgb8")]
    [InlineData("rgba8")]
    [InlineData("interlaced")]
    public void Colours(string name)
    {
        var image = Load(name);
        Assert.Equal((7, 5, 3), (image.Width, image.Height, image.Channels));
        Assert.Equal(Rgb.Pixels, image.Pixels);
    }

    [Theory]
    [InlineData("gray8")]
    [InlineData("graya8")]
    [InlineData("gray16")]
    public void Grays(string name)
    {
        var image = Load(name);
        Assert.Equal((7, 5, 1), (image.Width, image.Height, image.Channels));
        Assert.Equal(Gray.Pixels, image.Pixels);
    }

    [Fact]
    public void Black_and_white() =>
        Assert.Equal(Gray.Pixels.Select(p => p >= 128 ? (byte)255 : (byte)0), Load("gray1").Pixels);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Palettes(int bits)
    {
        var image = Load($"palette{bits}");
        Assert.Equal(3, image.Channels);
        var expected = Gray
            .Pixels.Select(p => p % (1 << bits))
            .SelectMany(i => new[] { (byte)(i * 91), (byte)((i * 53) + 7), (byte)((i * 29) + 90) });
        Assert.Equal(expected, image.Pixels);
    }

    [Fact]
    public void What_the_writer_wrote()
    {
        var file = PngWriter.Encode(Rgb.Pixels, 7, 5, 3);
        Assert.Equal(Rgb.Pixels, PngImage.Decode(file, "written").Pixels);
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        var file = PngWriter.Encode(Rgb.Pixels, 7, 5, 3);
        for (var length = 0; length < file.Length; length++)
        {
            TestFiles.Expect("DQ3028", () => PngImage.Decode(file[..length], "cut"));
        }

        for (var at = 0; at < file.Length - 12; at++)
        {
            var damaged = file.ToArray();
            damaged[at] ^= 0x10;
            TestFiles.Expect("DQ3028", () => PngImage.Decode(damaged, "damaged"));
        }

        TestFiles.Expect("DQ3028", () => PngImage.Load("no-such.png"));
    }

    private static RasterImage Load(string name) => PngImage.Load(TestFiles.Reference($"png/{name}.png"));
}
