using System.Buffers.Binary;
using System.IO.Compression;

namespace DiffusionQuant.Diffusion.Tests.Images;

public sealed class PngWriterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void What_is_written_reads_the_same(int channels)
    {
        var pixels = new byte[5 * 4 * channels];
        new Random(1).NextBytes(pixels);
        var (width, height, read) = Decode(PngWriter.Encode(pixels, 5, 4, channels), channels);
        Assert.Equal((5, 4), (width, height));
        Assert.Equal(pixels, read);
    }

    /// <summary>The checksum of an empty IEND chunk is the same in every PNG file.</summary>
    [Fact]
    public void Checksums() => Assert.Equal([0xAE, 0x42, 0x60, 0x82], PngWriter.Encode([0], 1, 1, 1)[^4..]);

    [Fact]
    public void A_generated_image_puts_channels_side_by_side()
    {
        var image = new GeneratedImage(0, new(3, 1, 2), [-1, 1, 0, -2, 2, 0.5f]);
        Assert.Equal([0, 128, 255, 255, 0, 191], image.ToBytes());
    }

    [Fact]
    public void A_grid_has_rows_and_lines_between()
    {
        using var folder = new TemporaryFolder();
        var images = Enumerable.Range(0, 3).Select(i => new GeneratedImage(i, new(1, 1, 1), [1])).ToArray();
        ImageGrid.SavePng(images, 2, folder.At("sub/grid.png"));
        var (width, height, pixels) = Decode(File.ReadAllBytes(folder.At("sub/grid.png")), 1);
        Assert.Equal((3, 3), (width, height));
        Assert.Equal([255, 0, 255, 0, 0, 0, 255, 0, 0], pixels);
    }

    [Fact]
    public void A_file_that_cannot_be_written()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("file", "");
        Faults.Expect("DQ1059", () => PngWriter.Save(Path.Combine(file, "a.png"), [0], 1, 1, 1));
    }

    private static (int Width, int Height, byte[] Pixels) Decode(byte[] file, int channels)
    {
        var width = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(16));
        var height = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(20));
        var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(33));
        using var stream = new ZLibStream(new MemoryStream(file, 41, length), CompressionMode.Decompress);
        using var raw = new MemoryStream();
        stream.CopyTo(raw);
        var lines = raw.ToArray();
        var stride = width * channels;
        var pixels = new byte[stride * height];
        for (var y = 0; y < height; y++)
        {
            Assert.Equal(2, lines[y * (stride + 1)]);
            for (var x = 0; x < stride; x++)
            {
                var above = y > 0 ? pixels[((y - 1) * stride) + x] : 0;
                pixels[(y * stride) + x] = (byte)(lines[(y * (stride + 1)) + 1 + x] + above);
            }
        }

        return (width, height, pixels);
    }
}
