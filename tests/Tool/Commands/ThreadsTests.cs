using System.Globalization;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary><c>--threads</c>, counted from outside of the process.</summary>
public sealed class ThreadsTests : IDisposable
{
    private const int BusyTicks = 10;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void With_one_thread_none_of_the_pool_works()
    {
        // Only there the time of each thread can be read without rights.
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var settings = DdpmUNetSettings.Tiny with { Channels = 64 };
        var model = TinyModel.Write(folder, settings: settings);
        string[] arguments = ["quantize", model, "-o", folder.At("out"), "--quantize", "W4A8", "--steps", "4"];
        using var process = ToolProcess.Start([
            .. arguments,
            "--calibration-samples",
            "8",
            "--threads",
            "1",
            "--device",
            "cpu",
            "--no-cache",
        ]);
        var ticks = new Dictionary<string, int>();
        while (!process.HasExited)
        {
            foreach (var (thread, name, used) in Threads(process.Id))
            {
                ticks[$"{name} {thread}"] = used;
            }

            Thread.Sleep(20);
        }

        Assert.Equal(0, process.ExitCode);
        Assert.Contains(ticks, t => t.Value > BusyTicks);
        Assert.DoesNotContain(
            ticks,
            t => t.Key.StartsWith(".NET TP Worker", StringComparison.Ordinal) && t.Value > BusyTicks
        );
    }

    /// <summary>A process' threads with their names and the hundredths of a second that they computed.</summary>
    private static IEnumerable<(string Id, string Name, int Ticks)> Threads(int process)
    {
        foreach (var task in TryRead(() => Directory.GetDirectories($"/proc/{process}/task")) ?? [])
        {
            if (TryRead(() => File.ReadAllText(Path.Combine(task, "stat"))) is { } text)
            {
                var end = text.LastIndexOf(')');
                var fields = text[(end + 2)..].Split(' ');
                yield return (
                    Path.GetFileName(task),
                    text[(text.IndexOf('(') + 1)..end],
                    int.Parse(fields[11], CultureInfo.InvariantCulture)
                        + int.Parse(fields[12], CultureInfo.InvariantCulture)
                );
            }
        }
    }

    /// <summary>Null for a thread that has ended meanwhile.</summary>
    private static T? TryRead<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
