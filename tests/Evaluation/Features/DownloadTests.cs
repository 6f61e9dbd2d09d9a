using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class DownloadTests : IDisposable
{
    private readonly TestFiles files = new();

    [Fact]
    public async Task A_tarball_is_fetched_from_its_place_in_the_registry()
    {
        byte[] content = [1, 2, 3];
        var package = new NpmTarball("some-data", "1.2.3", Convert.ToHexStringLower(SHA256.HashData(content)));
        using var registry = new Registry(HttpStatusCode.OK, content);
        using var client = new HttpClient(registry);
        await package.DownloadAsync(client, "https://registry.example/npm/", files.At("a.tgz"));
        Assert.Equal("https://registry.example/npm/some-data/-/some-data-1.2.3.tgz", registry.Asked);
        Assert.Equal(content, File.ReadAllBytes(files.At("a.tgz")));
        var other = package with { Sha256 = new string('0', 64) };
        Assert.Equal("DQ3033", await Code(other, client, "https://registry.example"));
    }

    [Fact]
    public async Task What_goes_wrong_has_a_code()
    {
        var package = new NpmTarball("some-data", "1.2.3", "");
        using var registry = new Registry(HttpStatusCode.NotFound, []);
        using var client = new HttpClient(registry);
        Assert.Equal("DQ3032", await Code(package, client, "https://registry.example"));
        Assert.Equal("DQ3032", await Code(package, client, "no address"));
        TestFiles.Expect("DQ3027", () => package.Check(files.At("none"), "none"));
    }

    [Fact]
    public void Fashion_mnist_is_padded_and_empty_rows_are_left_out()
    {
        var row = Enumerable.Range(0, 784).Select(i => i % 251).ToArray();
        var entries = Enumerable
            .Range(0, 10)
            .Select(i => ($"src/clothes/{i}.json", Text($"{{\"data\": [[{string.Join(',', row)}], []]}}")))
            .ToArray();
        Assert.Equal(10, FashionMnist.Write(Tarball(entries), files.At("f.npy")));
        var image = ImageSources.Open(files.At("f.npy")).Read().Last();
        Assert.Equal((32, 32, 1), (image.Width, image.Height, image.Channels));
        Assert.Equal(row.Sum(), image.Pixels.Sum(p => p));
        Assert.Equal(row.Take(28), image.Pixels.AsSpan((2 * 32) + 2, 28).ToArray().Select(p => (int)p));
        foreach (var bad in new[] { "{\"data\": [[1, 2]]}", "{\"data\": [[300]]}", "{\"data\": [", "{\"data\": [5]}" })
        {
            entries[3].Item2 = Text(bad);
            TestFiles.Expect("DQ3027", () => FashionMnist.Write(Tarball(entries), files.At("g.npy")));
        }

        TestFiles.Expect("DQ3027", () => FashionMnist.Write(Tarball(entries[..3]), files.At("g.npy")));
        TestFiles.Expect("DQ3027", () => FashionMnist.Write(files.Write("no.tgz", "text"), files.At("g.npy")));
        Assert.False(File.Exists(files.At("g.npy")));
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
        Assert.Equal(60_000, Cifar10.Write(Tarball(entries), files.At("c")));
        var source = ImageSources.Open(files.At("c"));
        Assert.Equal(50_000, source.Count);
        Assert.Equal(pixels.AsSpan(9 * 3072, 3072).ToArray(), source.Read().ElementAt(9).Pixels);
        using var batch = File.OpenRead(files.At("c/data_batch_2.bin"));
        batch.Position = 9 * 3073;
        Assert.Equal(9, batch.ReadByte());
        TestFiles.Expect("DQ3027", () => Cifar10.Write(Tarball(entries[1..]), files.At("d")));
        TestFiles.Expect("DQ3027", () => Cifar10.Write(Tarball(entries[..^1]), files.At("d")));
        entries[^1].Item2 = Labels(9_999);
        TestFiles.Expect("DQ3027", () => Cifar10.Write(Tarball(entries), files.At("d")));

        static byte[] Labels(int count) =>
            Text($"[{string.Join(',', Enumerable.Range(0, count).Select(i => i % 10))}]");
    }

    public void Dispose() => files.Dispose();

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private async Task<string?> Code(NpmTarball package, HttpClient client, string registry) =>
        (
            await Record.ExceptionAsync(() => package.DownloadAsync(client, registry, files.At("b.tgz")))
            as Onnx.Diagnostics.DiffusionQuantException
        )?.Code;

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

    private sealed class Registry(HttpStatusCode status, byte[] content) : HttpMessageHandler
    {
        public string? Asked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Asked = request.RequestUri!.ToString();
            return Task.FromResult(new HttpResponseMessage(status) { Content = new ByteArrayContent(content) });
        }
    }
}
