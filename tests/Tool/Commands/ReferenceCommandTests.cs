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

    [Fact]
    public async Task Make_says_what_it_skipped()
    {
        PngWriter.Save(folder.At("set/a.png"), new byte[32 * 32], 32, 32, 1);
        PngWriter.Save(folder.At("set/b/c.PNG"), new byte[32 * 32], 32, 32, 1);
        var file = folder.At("a.dqref");
        var run = await ToolRun.OfAsync(["reference", "make", folder.At("set"), "-o", file]);
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("DQ3037", run.Error);
        folder.Write("set/photo.heic", "unread");
        folder.Write("set/labels.csv", "a,1");
        run = await ToolRun.OfAsync(["reference", "make", folder.At("set"), "-o", file]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("DQ3037", run.Error);
        Assert.Contains("2 of 4 files", run.Error);
        Assert.Contains("labels.csv", run.Error);
        Assert.Equal(2, ReferenceStatistics.Read(file).Images);
    }

    [Fact]
    public async Task A_command_that_lacks_a_word_names_its_own_help()
    {
        var run = await ToolRun.OfAsync(["reference", "make"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("dotnet diffquant reference make --help", run.Error);
    }

    public void Dispose() => folder.Dispose();

    private string Images(int side, int count)
    {
        using var stream = new MemoryStream();
        new NpyHeader(ElementType.UInt8, [count, side, side]).Write(stream);
        stream.Write([.. Enumerable.Range(0, count * side * side).Select(i => (byte)(i * i / 7))]);
        File.WriteAllBytes(folder.At("images.npy"), stream.ToArray());
        return folder.At("images.npy");
    }
}
