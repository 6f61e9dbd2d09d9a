using System.Diagnostics;
using DiffusionQuant.Tool.Caching;

namespace DiffusionQuant.Tool.Tests.Caching;

/// <summary>The cache between processes, which share no lock but the file's.</summary>
public sealed class ProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TemporaryFolder folder = new();

    public ProcessTests() => TinyModel.Write(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Processes_at_once_make_a_result_once()
    {
        using var first = Start("a", samples: 8);
        using var second = Start("b", samples: 8);
        string[] outputs = [await EndAsync(first), await EndAsync(second)];
        Assert.Single(outputs, o => o.Contains("\"fromCache\":false"));
        Assert.Single(outputs, o => o.Contains("\"fromCache\":true"));
        Assert.Equal(File.ReadAllBytes(folder.At("a", "model.onnx")), File.ReadAllBytes(folder.At("b", "model.onnx")));
    }

    [Fact]
    public async Task A_killed_process_leaves_its_lock_free_and_no_entry()
    {
        using var process = Start("a", samples: 100_000);
        var works = folder.At("cache", "work");
        var watch = Stopwatch.StartNew();
        while (!Directory.Exists(works) || Directory.GetDirectories(works).Length == 0)
        {
            Assert.True(watch.Elapsed < Patience && !process.HasExited, "It did not begin to work.");
            await Task.Delay(20);
        }

        var lockFile = Assert.Single(Directory.GetFiles(folder.At("cache", "locks")));
        Assert.Throws<IOException>(() => new FileStream(lockFile, FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        process.Kill();
        await process.WaitForExitAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var taken = await CacheLock.TakeAsync(lockFile, () => { }, TimeProvider.System, patience.Token);
        Assert.Empty(Directory.GetDirectories(folder.At("cache", "entries")));
        Assert.False(Directory.Exists(folder.At("a")));
    }

    private Process Start(string output, int samples) =>
        ToolProcess.Start([
            "quantize",
            folder.At("model"),
            "-o",
            folder.At(output),
            "--quantize",
            "W4A8",
            "--steps",
            "4",
            "--calibration-samples",
            $"{samples}",
            "--device",
            "cpu",
            "--threads",
            "1",
            "--cache-directory",
            folder.At("cache"),
            "--prefix-output",
        ]);

    private static async Task<string> EndAsync(Process process)
    {
        using var patience = new CancellationTokenSource(Patience);
        var output = await process.StandardOutput.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
