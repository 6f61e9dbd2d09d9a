using System.Text.Json;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class ReportCommandTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(Snapshot.Root, "tests", "Report", "Fixture");
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task A_page_is_written_where_it_is_asked_for()
    {
        var page = folder.At("deep", "page.html");
        var run = await ToolRun.OfAsync(["report", Fixture, "-o", page, "--json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        var result = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(page, result.GetProperty("output").GetString());
        Assert.Equal(new FileInfo(page).Length, result.GetProperty("bytes").GetInt64());
        Assert.Equal(12, result.GetProperty("samples").GetInt32());
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(page));
    }

    [Fact]
    public async Task By_default_it_lies_beside_the_metrics_and_lacking_samples_are_warnings()
    {
        var metrics = folder.Write("metrics.json", File.ReadAllText(Path.Combine(Fixture, "metrics.json")));
        var run = await ToolRun.OfAsync(["report", metrics]);
        Assert.Equal(0, run.ExitCode);
        Assert.True(File.Exists(folder.At("report.html")));
        Assert.Contains("DQ3072", run.Error);
        Assert.Contains("report.html", run.Output);
    }

    [Fact]
    public async Task Without_metrics_there_is_no_page()
    {
        var run = await ToolRun.OfAsync(["report", folder.Path]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3070", run.Error);
        Assert.False(File.Exists(folder.At("report.html")));
    }

    [Fact]
    public async Task A_damaged_file_is_named()
    {
        var metrics = folder.Write("metrics.json", "{ \"format\": 1 ");
        var run = await ToolRun.OfAsync(["report", metrics]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3071", run.Error);
        Assert.Contains(metrics, run.Error);
    }

    public void Dispose() => folder.Dispose();
}
