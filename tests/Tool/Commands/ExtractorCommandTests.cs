using System.Text.Json;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class ExtractorCommandTests
{
    [Fact]
    public async Task Show_tells_identity_input_and_outputs()
    {
        var run = await ToolRun.OfAsync(["extractor", "show", "fashion-resnet20"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("FID[fashion-resnet20]", run.Output);
        Assert.Contains("32x32, gray, -1 to 1", run.Output);
        Assert.Contains("features: 64", run.Output);
        Assert.Contains("logits: 10", run.Output);
    }

    [Fact]
    public async Task Show_as_json()
    {
        var run = await ToolRun.OfAsync(["extractor", "show", "fashion-resnet20", "--json"]);
        using var report = JsonDocument.Parse(run.Output);
        Assert.Equal(64, report.RootElement.GetProperty("dimensions").GetInt32());
        Assert.False(report.RootElement.GetProperty("isStandardInception").GetBoolean());
        var settings = report.RootElement.GetProperty("settings");
        Assert.Equal("none", settings.GetProperty("resize").GetString());
        Assert.Equal("nchw", settings.GetProperty("layout").GetString());
    }

    [Fact]
    public async Task What_is_no_extractor()
    {
        var run = await ToolRun.OfAsync(["extractor", "show", "no-such"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3020", run.Error);
    }
}
