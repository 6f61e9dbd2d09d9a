using System.IO.Compression;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class ImageSourcesTests : IDisposable
{
    private readonly TestFiles files = new();

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Arrays_of_either_layout(int channels, bool isPlanar)
    {
        var images = Enumerable.Range(0, 4).Select(i => TestFiles.Image(5, 6, channels, i)).ToArray();
        long[] dims = isPlanar ? [4, channels, 5, 6] : [4, 5, 6, channels];
        var bytes = images.SelectMany(i => isPlanar ? Planes(i) : i.Pixels).ToArray();
        Same(images, ImageSources.Open(files.Write("a.npy", TestFiles.Npy(ElementType.UInt8, dims, bytes))));
        Same(images, ImageSources.Open(Npz("one.npz", ("images", TestFiles.Npy(ElementType.UInt8, dims, bytes)))));
        Same(
            images,
            ImageSources.Open(
                Npz(
                    "adm.npz",
                    ("arr_1", TestFiles.Npy(ElementType.Int64, [4], new byte[32])),
                    ("arr_0", TestFiles.Npy(ElementType.UInt8, dims, bytes))
                )
            )
        );
    }

    [Fact]
    public void Gray_arrays_without_channels()
    {
        var image = TestFiles.Image(5, 6, 1);
        Same(
            [image],
            ImageSources.Open(files.Write("a.npy", TestFiles.Npy(ElementType.UInt8, [1, 5, 6], image.Pixels)))
        );
    }

    [Fact]
    public void Cifar_10_files()
    {
        var images = Enumerable.Range(0, 5).Select(i => TestFiles.Image(32, 32, 3, i)).ToArray();
        var file = files.Write("c/data_batch_2.bin", Records(images[3..]));
        files.Write("c/data_batch_1.bin", Records(images[..3]));
        files.Write("c/test_batch.bin", Records(images[..1]));
        Same(images[3..], ImageSources.Open(file));
        Same(images, ImageSources.Open(files.At("c")));
    }

    [Fact]
    public void Folders_of_images_in_ordinal_order()
    {
        (string Name, string Format)[] names =
        [
            ("B.png", "png/rgb8.png"),
            ("a/1.BMP", "formats/rgb.bmp"),
            ("a/10.WebP", "formats/rgb.webp"),
            ("a/2.jpeg", "formats/gray.jpg"),
            ("b.jpg", "formats/rgb.jpg"),
            ("c.tiff", "formats/gray.tif"),
            ("d.gif", "formats/gray.gif"),
            ("e.TGA", "formats/rgb.tga"),
        ];
        foreach (var (name, format) in names.Reverse())
        {
            files.Write("set/" + name, File.ReadAllBytes(TestFiles.Reference(format)));
        }

        var expected = names.Select(n => ImageFile.Load(TestFiles.Reference(n.Format))).ToArray();
        Same(expected, ImageSources.Open(files.At("set")));
        Assert.Equal(files.At("set/a/1.BMP"), ImageSources.Open(files.At("set")).Read().ElementAt(1).Source);
        Assert.Null(ImageSources.FindSkipped(files.At("set")));
        Assert.Null(ImageSources.FindSkipped(files.At("set/B.png")));
    }

    [Fact]
    public void What_is_no_image_is_counted_and_what_is_damaged_named()
    {
        files.Write("set/a.png", PngWriter.Encode([1], 1, 1, 1));
        files.Write("set/b/notes.txt", "no image");
        files.Write("set/c.heic", "no image that can be read");
        Assert.Single(ImageSources.Open(files.At("set")).Read());
        var warning = ImageSources.FindSkipped(files.At("set"))!;
        Assert.Equal("DQ3037", warning.Code);
        Assert.Contains("2 of 3 files", warning.Message);
        Assert.Contains(Path.Combine("b", "notes.txt"), warning.Message);
        files.Write("set/b/bad.JPG", "text");
        var source = ImageSources.Open(files.At("set"));
        var error = Assert.Throws<Onnx.Diagnostics.DiffusionQuantException>(() => source.Read().Count());
        Assert.Equal("DQ3028", error.Code);
        Assert.Contains("bad.JPG", error.Message);
        files.Write("none/notes.txt", "no image");
        Assert.Null(ImageSources.FindSkipped(files.At("none")));
    }

    [Fact]
    public void Padded_and_limited()
    {
        var image = TestFiles.Image(2, 3, 3);
        var path = files.Write(
            "a.npy",
            TestFiles.Npy(ElementType.UInt8, [2, 2, 3, 3], [.. image.Pixels, .. image.Pixels])
        );
        var source = ImageSources.Open(path).Pad(2).Take(1);
        var padded = Assert.Single(source.Read());
        Assert.Equal((7, 6, 1L), (padded.Width, padded.Height, source.Count));
        Assert.Equal(image.Pixels.Sum(p => p), padded.Pixels.Sum(p => p));
        Assert.Equal(image.Pixels[..9], padded.Pixels.AsSpan(((2 * 7) + 2) * 3, 9).ToArray());
        Assert.Equal(2, ImageSources.Open(path).Take(9).Count);
    }

    [Fact]
    public void What_is_no_image_data()
    {
        TestFiles.Expect("DQ3026", () => ImageSources.Open(files.At("none")));
        TestFiles.Expect("DQ3026", () => ImageSources.Open(files.Write("a.txt", "text")));
        TestFiles.Expect("DQ3026", () => ImageSources.Open(files.Path));
        TestFiles.Expect("DQ1052", () => ImageSources.Open(files.Write("a.npy", "text")));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(files.Write("a.npz", "text")));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(files.Write("a.bin", "text")));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(files.Write("empty.bin", "")));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(Array(ElementType.Float, [1, 2, 2, 3], 48)));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(Array(ElementType.UInt8, [1, 2, 2, 2], 8)));
        TestFiles.Expect("DQ3027", () => ImageSources.Open(Array(ElementType.UInt8, [0, 2, 2, 3], 0)));
        TestFiles.Expect("DQ1052", () => ImageSources.Open(Array(ElementType.UInt8, [1L << 40, 1L << 40, 3], 0)));
        TestFiles.Expect(
            "DQ3027",
            () => ImageSources.Open(Npz("two.npz", ("a", TestFiles.Npy([1], [1])), ("b", TestFiles.Npy([1], [1]))))
        );
    }

    [Fact]
    public void Files_that_are_cut_off_fail_where_they_end()
    {
        var source = ImageSources.Open(Array(ElementType.UInt8, [3, 2, 2, 3], 30));
        using var images = source.Read().GetEnumerator();
        Assert.True(images.MoveNext() && images.MoveNext());
        TestFiles.Expect("DQ3027", () => images.MoveNext());
        var record = new byte[3073];
        record[0] = 10;
        var wrong = ImageSources.Open(files.Write("label.bin", record)).Read();
        TestFiles.Expect("DQ3027", () => Assert.Single(wrong));
    }

    [Fact]
    public void Reading_stops_when_it_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var images = ImageSources.Open(Array(ElementType.UInt8, [3, 2, 2, 3], 36));
        Assert.Throws<OperationCanceledException>(() => Assert.NotEmpty(images.Read(source.Token)));
    }

    public void Dispose() => files.Dispose();

    private static void Same(IReadOnlyList<RasterImage> expected, IImageSource source)
    {
        Assert.Equal(expected.Count, source.Count);
        // Twice: a source is read anew each time.
        foreach (var actual in new[] { source.Read().ToArray(), source.Read().ToArray() })
        {
            Assert.Equal(expected.Count, actual.Length);
            foreach (var (a, b) in expected.Zip(actual))
            {
                Assert.Equal((a.Width, a.Height, a.Channels), (b.Width, b.Height, b.Channels));
                Assert.Equal(a.Pixels, b.Pixels);
            }
        }
    }

    private static byte[] Records(IEnumerable<RasterImage> images) =>
        [.. images.SelectMany((image, i) => Planes(image).Prepend((byte)(i % 10)))];

    private static byte[] Planes(RasterImage image) =>
        [.. Enumerable.Range(0, image.Channels).SelectMany(c => image.Pixels.Where((_, i) => i % image.Channels == c))];

    private string Array(ElementType type, long[] dims, int bytes) =>
        files.Write("array.npy", TestFiles.Npy(type, dims, new byte[bytes]));

    private string Npz(string name, params (string Name, byte[] Npy)[] arrays)
    {
        using var archive = ZipFile.Open(files.At(name), ZipArchiveMode.Create);
        foreach (var (array, bytes) in arrays)
        {
            using var stream = archive.CreateEntry(array + ".npy").Open();
            stream.Write(bytes);
        }

        return files.At(name);
    }
}
