using System.Text.Json;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>evaluate and verify with real models, which are tiny.</summary>
public sealed class VerifyCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string source;

    public VerifyCommandTests() => source = TinyModel.Write(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Evaluate_writes_metrics_that_stand_for_themselves()
    {
        await QuantizeAsync("W8A8");
        var run = await EvaluateAsync("W8A8", "--json");
        Assert.Equal(0, run.ExitCode);
        var report = EvaluationReport.Parse(File.ReadAllText(folder.At("evaluation", "metrics.json")));
        string[] expected =
        [
            MetricCatalog.Psnr,
            MetricCatalog.Ssim,
            MetricCatalog.NoiseSqnr,
            MetricCatalog.NoiseError,
            MetricCatalog.SizeRatio,
            MetricCatalog.Speedup,
        ];
        Assert.Equal(expected, report.Metrics.Select(m => m.Name));
        Assert.InRange(report.Find(MetricCatalog.Psnr)!.Value, 15, 100);
        Assert.Equal(6, report.Find(MetricCatalog.Psnr)!.Images);
        Assert.Equal(new FileInfo(folder.At("model", "unet", "model.onnx")).Length, report.Size!.FloatBytes);
        Assert.Equal(report.Size.QuantizedBytes, report.Size.Parts.Sum(p => p.Bytes));
        Assert.Equal("W8A8", report.Model.Bits);
        Assert.Equal(4, report.Timesteps.Count);
        Assert.All(report.Layers, l => Assert.NotNull(l.Sqnr));
        Assert.All(report.Samples, s => Assert.True(File.Exists(folder.At("evaluation", s.Quantized))));
        Assert.Contains(report.Notes, n => n.Contains("fashion-resnet20"));
        Assert.Contains("--paired-images 6", report.Command);
        Assert.True(File.Exists(folder.At("evaluation", "report.html")));
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(6, json.RootElement.GetProperty("values")[0].GetProperty("images").GetInt32());
    }

    [Fact]
    public async Task A_float_model_beside_itself_is_perfect()
    {
        var run = await EvaluateAsync("model");
        Assert.Equal(0, run.ExitCode);
        var report = EvaluationReport.Parse(File.ReadAllText(folder.At("evaluation", "metrics.json")));
        Assert.Equal(100, report.Find(MetricCatalog.Psnr)!.Value);
        Assert.Equal(1, report.Find(MetricCatalog.Ssim)!.Value, 9);
        Assert.Equal(0, report.Find(MetricCatalog.NoiseError)!.Value);
        Assert.Equal(1, report.Find(MetricCatalog.SizeRatio)!.Value);
    }

    [Fact]
    public async Task Float_images_are_made_once_for_all_recipes()
    {
        await QuantizeAsync("W8A8");
        await QuantizeAsync("W4A8");
        await EvaluateAsync("W8A8");
        var first = File.ReadAllText(folder.At("evaluation", "metrics.json"));
        await EvaluateAsync("W4A8");
        var entries = Directory.GetDirectories(folder.At("cache", "entries")).Select(Path.GetFileName).ToArray();
        Assert.Single(entries, e => e!.StartsWith("float-", StringComparison.Ordinal));
        Assert.Equal(2, entries.Count(e => e!.StartsWith("part-", StringComparison.Ordinal)));

        // From the cache or not, the numbers are the same.
        await EvaluateAsync("W8A8", "--no-cache");
        Assert.Equal(WithoutTimes(first), WithoutTimes(File.ReadAllText(folder.At("evaluation", "metrics.json"))));
        Assert.Empty(Directory.GetDirectories(folder.At("evaluation"), ".work*"));
    }

    [Fact]
    public async Task A_worse_model_fails_until_it_is_accepted()
    {
        await QuantizeAsync("W8A8");
        await QuantizeAsync("W3A4");

        var first = await VerifyAsync("W8A8", "--require-snapshot");
        Assert.Equal(3, first.ExitCode);
        Assert.Contains("error: DQ2006: ", first.Output);
        Assert.Equal(0, (await ToolRun.OfAsync(["accept", folder.Path])).ExitCode);
        var passes = await VerifyAsync("W8A8", "--require-snapshot");
        Assert.Equal(0, passes.ExitCode);
        Assert.False(File.Exists(folder.At("model.metrics.received.json")));

        var verified = File.ReadAllText(folder.At("model.metrics.verified.json"));
        var worse = await VerifyAsync("W3A4");
        Assert.Equal(3, worse.ExitCode);
        var line = Assert.Single(worse.OutputLines, l => l.StartsWith("error: ", StringComparison.Ordinal));
        Assert.StartsWith("error: DQ2001: ", line);
        Assert.Contains("Noise-prediction SQNR", line);
        Assert.Contains("accept", line);
        Assert.Equal(verified, File.ReadAllText(folder.At("model.metrics.verified.json")));
        Assert.Contains("What got worse", File.ReadAllText(folder.At("evaluation", "report.html")));

        Assert.Equal(0, (await ToolRun.OfAsync(["accept", folder.Path])).ExitCode);
        Assert.Equal(0, (await VerifyAsync("W3A4")).ExitCode);
        // Better than the snapshot is no failure.
        var better = await VerifyAsync("W8A8");
        Assert.Equal(0, better.ExitCode);
        Assert.Contains("info: DQ2005: ", better.Output);
    }

    [Fact]
    public async Task Numbers_of_other_settings_are_not_compared()
    {
        await QuantizeAsync("W8A8");
        await VerifyAsync("W8A8", "--require-snapshot");
        await ToolRun.OfAsync(["accept", folder.Path]);
        var run = await VerifyAsync("W8A8", "--seed", "7");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("error: DQ3001: ", run.Output);
        Assert.Contains("seed", run.Output);
    }

    [Theory]
    [InlineData("--min-psnr", "200", "DQ2002")]
    [InlineData("--max-size-ratio", "0.01", "DQ2002")]
    [InlineData("--max-fid-increase", "0.5", "DQ2004")]
    public async Task Limits_hold_without_a_snapshot(string option, string value, string code)
    {
        await QuantizeAsync("W8A8");
        var run = await VerifyAsync("W8A8", option, value);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains($"error: {code}: ", run.Output);
    }

    [Fact]
    public async Task A_model_within_its_limits_passes()
    {
        await QuantizeAsync("W8A8");
        Assert.Equal(0, (await VerifyAsync("W8A8", "--min-psnr", "5", "--max-size-ratio", "2")).ExitCode);
    }

    [Fact]
    public async Task Another_float_model_is_refused()
    {
        await QuantizeAsync("W8A8");
        var other = TinyModel.Write(folder, seed: 2, name: "other");
        string[] arguments =
        [
            "evaluate",
            folder.At("W8A8"),
            "--float",
            other,
            "-o",
            folder.At("evaluation"),
            "--no-cache",
        ];
        var run = await ToolRun.OfAsync(arguments);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3010", run.Error);
        Assert.False(Directory.Exists(folder.At("evaluation")));
    }

    private async Task QuantizeAsync(string bits)
    {
        string[] arguments =
        [
            "quantize",
            source,
            "-o",
            folder.At(bits),
            "--quantize",
            bits,
            "--method",
            "minmax",
            "--steps",
            "4",
            "--calibration-samples",
            "8",
            "--no-cache",
        ];
        Assert.Equal(0, (await ToolRun.OfAsync(arguments)).ExitCode);
    }

    private Task<ToolRun> EvaluateAsync(string model, params string[] more) =>
        ToolRun.OfAsync(["evaluate", folder.At(model), .. Settings, .. more]);

    private Task<ToolRun> VerifyAsync(string model, params string[] more) =>
        ToolRun.OfAsync(["verify", folder.At(model), .. Settings, "--prefix-output", .. more]);

    private string[] Settings =>
        [
            "--float",
            source,
            "-o",
            folder.At("evaluation"),
            "--paired-images",
            "6",
            "--batch",
            "4",
            "--steps",
            "4",
            "--cache-directory",
            folder.At("cache"),
        ];

    /// <summary>A report without what differs from run to run.</summary>
    private static string WithoutTimes(string json)
    {
        var report = EvaluationReport.Parse(json);
        return (
            report with
            {
                Command = null,
                Speed = null,
                Metrics = [.. report.Metrics.Where(m => m.Name != MetricCatalog.Speedup)],
            }
        ).ToJson();
    }
}
