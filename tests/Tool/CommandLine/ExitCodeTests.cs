using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Tool.Tests.CommandLine;

public sealed class ExitCodeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeQuantizer quantizer = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_coded_failure_exits_with_1_and_one_line()
    {
        quantizer.Work = (_, _) => throw new DiffusionQuantException("DQ1999", "What. Why. What to do.");
        var run = await RunAsync();
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("error: DQ1999: What. Why. What to do.", run.Error.TrimEnd());
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("results")));
    }

    [Fact]
    public async Task A_fault_of_ours_exits_with_2_and_keeps_the_stack_for_who_asks()
    {
        quantizer.Work = (_, _) => throw new AggregateException(new InvalidOperationException("two\nlines"));
        var run = await RunAsync();
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("error: This is a fault of diffquant: InvalidOperationException: two lines", run.Error.TrimEnd());

        var detailed = await RunAsync("-v", "d", "--prefix-output");
        Assert.Equal(2, detailed.ExitCode);
        Assert.Contains(
            detailed.OutputLines,
            l => l.StartsWith("verbose: System.InvalidOperationException", StringComparison.Ordinal)
        );
        Assert.All(detailed.OutputLines, l => Assert.Matches("^(info|warn|error|verbose|data): ", l));
    }

    [Fact]
    public async Task Cancelling_exits_with_130_and_leaves_nothing()
    {
        using var source = new CancellationTokenSource();
        quantizer.Work = (_, _) => source.Cancel();
        var run = await ToolRun.OfAsync(Arguments(), quantizer, cancellation: source.Token);
        Assert.Equal(130, run.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("results")));
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("cache", "entries")));
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("cache", "work")));
    }

    private Task<ToolRun> RunAsync(params string[] more) => ToolRun.OfAsync(Arguments(more), quantizer);

    private string[] Arguments(params string[] more)
    {
        Directory.CreateDirectory(folder.At("results"));
        var model = TinyModel.Write(folder);
        return
        [
            "quantize",
            model,
            "-o",
            folder.At("results", "out"),
            "--quantize",
            "W4A8",
            "--cache-directory",
            folder.At("cache"),
            .. more,
        ];
    }
}
