using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Tool.Tests.CommandLine;

public sealed class HelpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("quantize")]
    [InlineData("search")]
    [InlineData("inspect")]
    [InlineData("sample")]
    [InlineData("train")]
    [InlineData("extractor import")]
    [InlineData("evaluate")]
    [InlineData("verify")]
    [InlineData("merge")]
    [InlineData("accept")]
    [InlineData("review")]
    [InlineData("report")]
    [InlineData("reference")]
    [InlineData("reference make")]
    [InlineData("extractor show")]
    public async Task Help_is_as_verified(string command)
    {
        var run = await ToolRun.OfAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Error);
        // The name is that of the running program, which is the test's own here.
        var text = string.Join('\n', run.OutputLines.Select(l => l.TrimEnd())).Replace(ProgramName, "diffquant");
        Snapshot.Verify(text, command.Length == 0 ? "root" : command.Replace(' ', '-'));
    }

    [Fact]
    public async Task Without_a_command_help_is_shown_and_nothing_was_done()
    {
        var run = await ToolRun.OfAsync([]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("quantize <MODEL>", run.Output);
    }

    private static string ProgramName => System.CommandLine.RootCommand.ExecutableName;
}
