using System.Diagnostics;
using System.Text.Json;
using DiffusionQuant.Build.Tests.Sandboxes;
using DiffusionQuant.Build.Tool;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>A joined command line comes apart again as it was.</summary>
public sealed class ToolArgumentsTests
{
    [Fact]
    public void Arguments_arrive_whatever_they_hold()
    {
        string[] arguments =
        [
            "quantize",
            "a b",
            "",
            "\"",
            "\\\"",
            "c:\\my folder\\",
            "x\\\\\"y z\"",
            "plain\\path",
            "$HOME `x` 'q'",
        ];
        var log = Path.GetTempFileName();
        var start = new ProcessStartInfo(
            "dotnet",
            ToolArguments.Join(["exec", Repository.FakeTool, .. arguments, "-o", "x", "--cache-directory", "y"])
        )
        {
            Environment = { ["FAKE_DIFFQUANT_LOG"] = log, ["FAKE_DIFFQUANT_EXIT"] = "1" },
            RedirectStandardOutput = true,
        };
        Process.Start(start)!.WaitForExit();

        var run = Assert.Single(ToolRun.Read(log));
        Assert.Equal(arguments, run.Args[..^4]);
        File.Delete(log);
    }
}
