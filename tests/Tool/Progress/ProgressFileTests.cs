using System.Text.Json;

namespace DiffusionQuant.Tool.Tests.Progress;

public sealed class ProgressFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeTime time = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_file_follows_the_work_and_ends_with_it()
    {
        var path = folder.At("obj", "progress.json");
        List<string> seen = [];
        var quantizer = new FakeQuantizer
        {
            Work = (progress, _) =>
            {
                progress.Report(new("calibrate", 0, null));
                seen.Add(File.ReadAllText(path));
                time.Advance(10);
                progress.Report(new("calibrate", 0.25, null));
                seen.Add(File.ReadAllText(path));
                // Too soon after the last one for a new file.
                progress.Report(new("calibrate", 0.26, null));
                seen.Add(File.ReadAllText(path));
                progress.Report(new("done", 1, null));
            },
        };
        var run = await ToolRun.OfAsync(
            [
                "quantize",
                TinyModel.Write(folder),
                "-o",
                folder.At("out"),
                "--quantize",
                "W8A8",
                "--no-cache",
                "--progress-file",
                path,
            ],
            quantizer,
            host => host with { Time = time }
        );
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            [
                """{"stage":"calibrate","fraction":0,"etaSeconds":null,"updated":"2026-01-02T03:04:05+00:00"}""",
                """{"stage":"calibrate","fraction":0.25,"etaSeconds":30,"updated":"2026-01-02T03:04:15+00:00"}""",
                seen[1],
            ],
            seen
        );
        Assert.Contains("\"stage\":\"done\",\"fraction\":1", File.ReadAllText(path));
        Assert.Equal(["progress.json"], Directory.GetFiles(folder.At("obj")).Select(f => Path.GetFileName(f)));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_does_not_end_the_work()
    {
        var obstacle = folder.Write("obstacle", "a file where a folder would be");
        var quantizer = new FakeQuantizer { Work = (progress, _) => progress.Report(new("calibrate", 0.5, null)) };
        var run = await ToolRun.OfAsync(
            [
                "quantize",
                TinyModel.Write(folder),
                "-o",
                folder.At("out"),
                "--quantize",
                "W8A8",
                "--no-cache",
                "--progress-file",
                Path.Combine(obstacle, "p.json"),
            ],
            quantizer
        );
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task A_result_from_the_cache_says_that_it_is_done()
    {
        var path = folder.At("progress.json");
        string[] arguments =
        [
            "quantize",
            TinyModel.Write(folder),
            "-o",
            folder.At("out"),
            "--quantize",
            "W8A8",
            "--cache-directory",
            folder.At("cache"),
            "--progress-file",
            path,
        ];
        await ToolRun.OfAsync(arguments, new());
        File.WriteAllText(path, "of a killed run");
        await ToolRun.OfAsync(arguments, new());
        Assert.Equal("done", JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("stage").GetString());
    }
}
