using System.Text.Json;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>quantize --fallback with a real model, which is tiny.</summary>
public sealed class FallbackTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string source;

    public FallbackTests() => source = TinyModel.Write(folder);

    [Fact]
    public async Task Layers_are_raised_until_the_limit_holds_and_verification_agrees()
    {
        var run = await QuantizeAsync("--min-sqnr-db", "18");
        Assert.True(run.ExitCode == 0, run.Error);
        var fallback = Report().Fallback!;
        Assert.True(fallback.Holds, run.Error);
        Assert.Equal(0, fallback.Trials[0].Steps);
        Assert.False(fallback.Trials[0].Holds);
        // A bisection: far fewer trials than steps.
        Assert.InRange(fallback.Trials.Count, 2, 2 + (int)Math.Ceiling(Math.Log2(fallback.Steps)));
        var last = fallback.Trials.Where(t => t.Holds).MinBy(t => t.Steps)!;
        Assert.True(last.Values["noiseSqnr"] >= 18);
        Assert.Contains(fallback.Raised, r => r is { From: "W2A8", To: "W8A8" });
        Assert.All(
            fallback.Raised.Where(r => r.To == "W8A8"),
            r => Assert.Equal(8, Report().Layers.Single(l => l.Name == r.Layer).WeightBits)
        );
        Assert.Equal(
            fallback.Raised.Count,
            JsonDocument.Parse(run.Output).RootElement.GetProperty("raisedLayers").GetInt32()
        );

        // What holds here holds there, on the same images, which are measured once.
        var parts = Parts();
        var verified = await ToolRun.OfAsync([
            "verify",
            folder.At("out"),
            "--float",
            source,
            "-o",
            folder.At("evaluation"),
            "--no-snapshot",
            "--min-sqnr-db",
            "18",
            "--paired-images",
            "4",
            "--threads",
            "1",
            "--cache-directory",
            folder.At("cache"),
        ]);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.Equal(parts, Parts());
        var page = File.ReadAllText(folder.At("evaluation", "report.html"));
        Assert.Contains("id=\"fallback\"", page);
        Assert.Contains($"{fallback.Raised.Count} layers with more bits", page);

        // Again: all from the cache, and the same.
        var first = File.ReadAllText(folder.At("out", "quantization.json"));
        var again = await QuantizeAsync("--min-sqnr-db", "18");
        Assert.True(JsonDocument.Parse(again.Output).RootElement.GetProperty("fromCache").GetBoolean());
        Assert.Equal(first, File.ReadAllText(folder.At("out", "quantization.json")));
    }

    [Fact]
    public async Task A_limit_that_holds_raises_nothing()
    {
        var run = await QuantizeAsync("--min-sqnr-db", "0.001", "--no-cache");
        Assert.True(run.ExitCode == 0, run.Error);
        var fallback = Report().Fallback!;
        Assert.True(fallback.Holds);
        Assert.Empty(fallback.Raised);
        Assert.Single(fallback.Trials);
        Assert.Equal([new FallbackLimit("MinSqnrDb", "noiseSqnr", 0.001)], fallback.Limits);
    }

    [Fact]
    public async Task A_limit_out_of_reach_is_a_warning_and_the_best_model_is_kept()
    {
        var run = await QuantizeAsync("--min-psnr", "99");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("warn: DQ1133: ", run.Error);
        var fallback = Report().Fallback!;
        Assert.False(fallback.Holds);
        Assert.Equal(fallback.Steps, fallback.Trials[^1].Steps);
        Assert.Equal("W8A8", Assert.Single(fallback.Raised, r => r.To != "float").To);
    }

    [Theory]
    [InlineData("--fallback", "DQ1120")]
    [InlineData("--min-psnr 20", "DQ1120")]
    [InlineData("--fallback --min-psnr 20 --paired-images 0 --images 2", "DQ")]
    [InlineData("--fallback --max-fid-increase 1", "DQ2004")]
    public async Task Bad_input_has_a_code(string options, string code)
    {
        var run = await QuantizeAsync([], options.Split(' '));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"error: {code}", run.Error);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    public void Dispose() => folder.Dispose();

    private QuantizationReport Report() =>
        QuantizationReport.Parse(File.ReadAllText(folder.At("out", QuantizationReport.FileName)));

    private int Parts() => Directory.GetDirectories(folder.At("cache", "entries"), "part-*").Length;

    private Task<ToolRun> QuantizeAsync(params string[] options) =>
        QuantizeAsync(options, ["--fallback", "--paired-images", "4"]);

    private Task<ToolRun> QuantizeAsync(string[] options, string[] fallback) =>
        ToolRun.OfAsync([
            "quantize",
            source,
            "-o",
            folder.At("out"),
            "--quantize",
            "W2A8",
            "--method",
            "minmax",
            "--steps",
            "4",
            "--calibration-samples",
            "8",
            "--threads",
            "1",
            "--cache-directory",
            folder.At("cache"),
            "--json",
            .. fallback,
            .. options,
        ]);
}
