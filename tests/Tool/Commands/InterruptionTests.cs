using System.Diagnostics;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>The tool is asked to end in each of its stages: it ends at once, and leaves nothing half.</summary>
public sealed class InterruptionTests : IDisposable
{
    private const string Network = """
        { "channels": 8, "multipliers": [1, 2], "blocks": 1, "attentionResolutions": [4], "groups": 4 }
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(2);
    private readonly TemporaryFolder folder = new();
    private readonly string model;
    private readonly string temporary;

    public InterruptionTests()
    {
        model = TinyModel.Write(folder);
        temporary = Directory.CreateDirectory(folder.At("temporary")).FullName;
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public async Task A_stage_that_does_not_listen_ends_with_the_process(string signal)
    {
        if (signal == "-INT" && IgnoresInterrupts())
        {
            return;
        }

        var arguments = Quantize("mse").ToArray();
        await EndAsync(signal, "check", arguments, typeof(Program).Assembly.Location);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Theory]
    [InlineData("mse", "calibrate")]
    [InlineData("mse", "search ranges")]
    [InlineData("mse", "check")]
    [InlineData("gptq", "round weights (GPTQ)")]
    [InlineData("mpq-dm", "fine-tune")]
    [InlineData("q-dm", "train")]
    public async Task Quantizing_ends(string method, string stage)
    {
        await EndAsync("-TERM", stage, Quantize(method));
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Theory]
    [InlineData("evaluate", "float images")]
    [InlineData("evaluate", "images")]
    [InlineData("verify", "images")]
    public async Task Evaluating_ends(string command, string stage)
    {
        var quantized = await ToolRun.OfAsync([
            "quantize",
            model,
            "-o",
            folder.At("quantized"),
            "--quantize",
            "W8A8",
            "--method",
            "minmax",
            "--steps",
            "4",
            "--calibration-samples",
            "4",
            "--no-cache",
        ]);
        Assert.True(quantized.ExitCode == 0, quantized.Error);
        await EndAsync(
            "-TERM",
            stage,
            [
                command,
                folder.At("quantized"),
                "--float",
                model,
                "-o",
                folder.At("out"),
                "--steps",
                "90",
                "--paired-images",
                "40",
                "--images",
                "0",
                "--batch",
                "2",
                "--no-cache",
            ]
        );
        Assert.False(File.Exists(folder.At("out", "metrics.json")));
    }

    [Fact]
    public async Task A_search_ends()
    {
        string[] arguments = ["search", model, "-o", folder.At("found.json"), "--budget-bits", "4", "--no-cache"];
        await EndAsync("-TERM", "measure layers", [.. arguments, "--pairs", "64", "--steps", "8"]);
        Assert.False(File.Exists(folder.At("found.json")));
    }

    [Fact]
    public async Task A_training_ends_and_can_go_on()
    {
        string[] arguments = ["train", "--images", Images(20, 8), "-o", folder.At("out"), "--batch", "4"];
        await EndAsync(
            "-TERM",
            "Training",
            [.. arguments, "--config", folder.Write("tiny.json", Network), "--steps", "100000", "--warm-up", "1"]
        );
        Assert.False(Directory.Exists(folder.At("out")));
        // From the first step on there is something to go on from.
        Assert.InRange(Directory.GetDirectories(folder.Path, "out.*.training").Length, 0, 1);
    }

    [Fact]
    public async Task Making_a_reference_ends()
    {
        await EndAsync("-TERM", null, ["reference", "make", Images(20_000, 32), "-o", folder.At("some.dqref")]);
        Assert.False(File.Exists(folder.At("some.dqref")));
    }

    [Fact]
    public async Task Sampling_ends()
    {
        await EndAsync("-TERM", null, ["sample", model, "-o", folder.At("grid.png"), "-n", "4000", "--steps", "90"]);
        Assert.False(File.Exists(folder.At("grid.png")));
    }

    private string[] Quantize(string method) =>
        [
            "quantize",
            model,
            "-o",
            folder.At("out"),
            "--quantize",
            "W4A8",
            "--method",
            method,
            "--effort",
            "quick",
            "--iterations",
            "2000",
            "--steps",
            "90",
            "--calibration-samples",
            "16",
            "--no-cache",
        ];

    /// <summary>Whether a shell started these tests in its background: then Ctrl+C is nothing to them, nor to what they start.</summary>
    private static bool IgnoresInterrupts()
    {
        const string Status = "/proc/self/status";
        const ulong Interrupt = 1UL << (2 - 1);
        return File.Exists(Status)
            && File.ReadLines(Status).FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } line
            && (Convert.ToUInt64(line["SigIgn:".Length..].Trim(), 16) & Interrupt) != 0;
    }

    /// <summary>Starts the tool, sends a signal in a stage, and waits.</summary>
    /// <param name="signal">The signal, as kill takes it.</param>
    /// <param name="stage">The stage; null for the first line of a command that writes no progress file.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="assembly">Another program than the tool.</param>
    private async Task EndAsync(string signal, string? stage, string[] arguments, string? assembly = null)
    {
        // There is no way there to send one process what Ctrl+C sends to a console's.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var slowness = await SlownessAsync();
        var progress = folder.At("progress.json");
        var lines = new List<string>();
        using var process = ToolProcess.Start(
            stage is null ? arguments : [.. arguments, "--progress-file", progress],
            line =>
            {
                lock (lines)
                {
                    lines.Add(line ?? "");
                }
            },
            temporary,
            assembly
        );
        var watch = Stopwatch.StartNew();
        while (!IsThere(stage, progress, lines))
        {
            Assert.False(process.HasExited, $"It ended before the stage: {Said()}");
            Assert.True(watch.Elapsed < Patience, $"The stage did not come: {Said()}");
            await Task.Delay(5);
        }

        watch.Restart();
        Process.Start("kill", [signal, $"{process.Id}"]).WaitForExit();
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        var took = watch.Elapsed;
        Assert.True(process.ExitCode == 130, $"{process.ExitCode}: {Said()}");
        Assert.True(took < Promised * slowness, $"{took} where all is {slowness:0.0} times slower than usual");
        Assert.Contains("Cancelled.", Said());
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, "*.diffquant-new"));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, "*.tmp", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFileSystemEntries(temporary, "diffusionquant*"));

        string Said()
        {
            lock (lines)
            {
                return string.Join('\n', lines);
            }
        }
    }

    private static bool IsThere(string? stage, string progress, List<string> lines)
    {
        if (stage is null)
        {
            lock (lines)
            {
                return lines.Count > 0;
            }
        }

        try
        {
            return File.ReadAllText(progress).Contains($"\"stage\":\"{stage}\"", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>How many times longer than on an idle machine a start of the tool takes, at least 1: others use it too.</summary>
    private static async Task<double> SlownessAsync()
    {
        const double Usual = 0.4;
        var watch = Stopwatch.StartNew();
        using var process = ToolProcess.Start(["--version"]);
        await process.WaitForExitAsync();
        return Math.Max(1, watch.Elapsed.TotalSeconds / Usual);
    }

    private string Images(int count, int side)
    {
        using var stream = new MemoryStream();
        new NpyHeader(ElementType.UInt8, [count, side, side]).Write(stream);
        var pixels = new byte[count * side * side];
        new Random(1).NextBytes(pixels);
        stream.Write(pixels);
        File.WriteAllBytes(folder.At("images.npy"), stream.ToArray());
        return folder.At("images.npy");
    }
}
