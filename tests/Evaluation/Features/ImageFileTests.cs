using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

/// <summary>Files of reference/features.py: written by PIL, but for the interlaced one, which PIL read back.</summary>
public sealed class ImageFileTests
{
    private static readonly RasterImage Rgb = TestFiles.Image(5, 7, 3);
    private static readonly RasterImage Gray = TestFiles.Image(5, 7, 1);

    /// <summary>The picture of formats/ with three channels, or its first alone.</summary>
    private static byte[] Smooth(int channels) =>
        [
            .. Enumerable
                .Range(0, 16 * 24 * channels)
                .Select(i => (byte)((i / channels % 24 * 6) + (i / channels / 24 * 4) + (i % channels * 20))),
        ];

    public static TheoryData<string> AllFormats =>
        [
            .. Directory
                .GetFiles(Path.GetDirectoryName(TestFiles.Reference("formats/rgb.bmp"))!)
                .Where(f => !f.EndsWith(".npy", StringComparison.Ordinal))
                .Select(f => Path.GetFileName(f))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [InlineData("rgb8")]
    [InlineData("rgba8")]
    [InlineData("interlaced")]
    public void Colours_of_png(string name)
    {
        var image = Png(name);
        Assert.Equal((7, 5, 3), (image.Width, image.Height, image.Channels));
        Assert.Equal(Rgb.Pixels, image.Pixels);
    }

    [Theory]
    [InlineData("gray8")]
    [InlineData("graya8")]
    public void Grays_of_png(string name)
    {
        var image = Png(name);
        Assert.Equal((7, 5, 1), (image.Width, image.Height, image.Channels));
        Assert.Equal(Gray.Pixels, image.Pixels);
    }

    [Fact]
    public void Sixteen_bits_are_rounded() =>
        Assert.Equal(Gray.Pixels.Select(p => (byte)Math.Round(((p * 256) + 17) / 257.0)), Png("gray16").Pixels);

    [Fact]
    public void Black_and_white() =>
        Assert.Equal(Gray.Pixels.Select(p => p >= 128 ? (byte)255 : (byte)0), Png("gray1").Pixels);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Palettes(int bits)
    {
        var image = Png($"palette{bits}");
        Assert.Equal(3, image.Channels);
        var expected = Gray
            .Pixels.Select(p => p % (1 << bits))
            .SelectMany(i => new[] { (byte)(i * 91), (byte)((i * 53) + 7), (byte)((i * 29) + 90) });
        Assert.Equal(expected, image.Pixels);
    }

    [Theory]
    [InlineData("bmp")]
    [InlineData("tif")]
    [InlineData("tga")]
    [InlineData("webp")]
    [InlineData("gif")]
    public void Lossless_formats_give_the_same_images(string ending)
    {
        var gray = Format($"gray.{ending}");
        Assert.Equal((24, 16, 1), (gray.Width, gray.Height, gray.Channels));
        Assert.Equal(Smooth(1), gray.Pixels);
        var rgb = Format($"rgb.{ending}");
        Assert.Equal((24, 16, 3), (rgb.Width, rgb.Height, rgb.Channels));
        // Of 256 colours at most.
        Assert.Equal(ending == "gif" ? Smooth(3).Select(p => (byte)(p / 64 * 64)) : Smooth(3), rgb.Pixels);
    }

    [Theory]
    [InlineData("gray.jpg")]
    [InlineData("gray-progressive.jpg")]
    [InlineData("gray-lossy.webp")]
    [InlineData("rgb.jpg")]
    [InlineData("rgb-progressive.jpg")]
    [InlineData("rgb-lossy.webp")]
    public void Lossy_formats_are_read_as_others_read_them(string name)
    {
        var channels = name.StartsWith("gray", StringComparison.Ordinal) ? 1 : 3;
        var image = Format(name);
        image = channels == 1 ? image.ToGray()! : image;
        Assert.Equal((24, 16, channels), (image.Width, image.Height, image.Channels));
        var theirs = ImageSources.Open(TestFiles.Reference($"formats/{name}.npy")).Read().Single();
        Assert.All(
            image.Pixels.Zip(theirs.ToGray()?.Pixels ?? theirs.Pixels),
            p => Assert.InRange(p.First - p.Second, -2, 2)
        );
        Assert.All(image.Pixels.Zip(Smooth(channels)), p => Assert.InRange(p.First - p.Second, -12, 12));
    }

    [Fact]
    public void Gray_in_the_colours_of_a_lossy_format_is_gray() =>
        Assert.Equal(16 * 24, Format("gray-in-rgb.jpg").ToGray()!.Pixels.Length);

    [Fact]
    public void What_the_writer_wrote()
    {
        var file = PngWriter.Encode(Rgb.Pixels, 7, 5, 3);
        Assert.Equal(Rgb.Pixels, ImageFile.Decode(file, "written").Pixels);
    }

    [Fact]
    public void Damaged_png_files_are_refused()
    {
        const int EndChunk = 12;
        var file = PngWriter.Encode(Rgb.Pixels, 7, 5, 3);
        for (var at = 0; at < file.Length - EndChunk; at++)
        {
            var damaged = file.ToArray();
            damaged[at] ^= 0x10;
            TestFiles.Expect("DQ3028", () => ImageFile.Decode(damaged, "damaged"));
        }

        TestFiles.Expect("DQ3028", () => ImageFile.Load("no-such.png"));
        TestFiles.Expect("DQ3028", () => ImageFile.Decode("This is text."u8.ToArray(), "text.png"));
    }

    [Theory]
    [MemberData(nameof(AllFormats))]
    public void A_file_that_is_cut_off_is_refused(string name)
    {
        var file = File.ReadAllBytes(TestFiles.Reference($"formats/{name}"));
        var whole = ImageFile.Decode(file, name);
        for (var length = 0; length < file.Length; length++)
        {
            var error = Record.Exception(() =>
            {
                // Some formats end with bytes that are no part of the picture.
                var read = ImageFile.Decode(file[..length], name);
                Assert.True(length > file.Length * 9 / 10, $"{length} of {file.Length} bytes");
                Assert.Equal(whole.Pixels, read.Pixels);
            });
            Assert.True(
                error is null or Onnx.Diagnostics.DiffusionQuantException { Code: "DQ3028" },
                $"{length}: {error}"
            );
            Assert.True(error is null || error.Message.StartsWith(name, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_lies_behind_a_picture_does_not_matter()
    {
        foreach (var name in new[] { "rgb.jpg", "gray.gif", "rgb.bmp", "rgb.webp" })
        {
            var file = File.ReadAllBytes(TestFiles.Reference($"formats/{name}"));
            // Such as the film that some cameras append, in which the start of a scan may seem to stand.
            Assert.Equal(Format(name).Pixels, ImageFile.Decode([.. file, 1, 2, 0xFF, 0xDA, 3, 4], name).Pixels);
        }
    }

    private static RasterImage Png(string name) => ImageFile.Load(TestFiles.Reference($"png/{name}.png"));

    private static RasterImage Format(string name) => ImageFile.Load(TestFiles.Reference($"formats/{name}"));
}
