using System.Text.Json.Nodes;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>What the cache kept of a model is never taken for what it gives after a file of it was corrected.</summary>
public sealed class StaleEvaluationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string source;

    public StaleEvaluationTests() => source = TinyModel.Write(folder);

    private string Schedule => Path.Combine(source, "scheduler", "scheduler_config.json");

    private string Snapshot => folder.At("model" + SnapshotFiles.VerifiedSuffix);

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("""{ "prediction_type": "v_prediction" }""", "prediction: epsilon, v_prediction")]
    [InlineData("""{ "beta_end": 0.05 }""", "betas: linear 0.0001 to 0.02 over 100, linear 0.0001 to 0.05 over 100")]
    [InlineData("""{ "clip_sample_range": 0.4 }""", "clip range: 1, 0.4")]
    [InlineData("""{ "thresholding": true, "sample_max_value": 3 }""", "clip range: 1, 0.995 quantile, at most 3")]
    [InlineData("""{ "variance_type": "fixed_large" }""", "variance: fixed_small, fixed_large")]
    public async Task A_corrected_schedule_gives_new_figures(string correction, string difference)
    {
        await QuantizeAsync();
        string[] sampler = ["--sampler", "ddpm"];
        var before = await EvaluateAsync([.. sampler, .. Cache]);
        Assert.Equal(3, (await VerifyAsync([.. sampler, "--require-snapshot"])).ExitCode);
        await ToolRun.OfAsync(["accept", Snapshot]);
        Assert.Equal(0, (await VerifyAsync(sampler)).ExitCode);

        var schedule = JsonNode.Parse(File.ReadAllText(Schedule))!;
        foreach (var (key, value) in JsonNode.Parse(correction)!.AsObject())
        {
            schedule[key] = value!.DeepClone();
        }

        File.WriteAllText(Schedule, schedule.ToJsonString());
        var cached = await EvaluateAsync([.. sampler, .. Cache]);
        var measured = await EvaluateAsync([.. sampler, "--no-cache"]);
        Assert.Equal(Values(measured), Values(cached));
        Assert.NotEqual(Values(before), Values(cached));
        Assert.StartsWith(difference[..difference.IndexOf(':')], cached.OtherSchedule);

        // Nor is it compared with what was accepted.
        var verified = await VerifyAsync(sampler);
        Assert.Equal(3, verified.ExitCode);
        Assert.Contains("DQ3001", verified.Output);
        Assert.Contains(difference, verified.Output);
    }

    [Fact]
    public async Task A_replaced_decoder_or_its_factor_gives_new_figures()
    {
        await QuantizeAsync();
        WriteDecoder(2);
        var first = await EvaluateAsync(Cache);
        WriteDecoder(0.7f);
        var replaced = await EvaluateAsync(Cache);
        Assert.Equal(Values(await EvaluateAsync(["--no-cache"])), Values(replaced));
        Assert.NotEqual(Values(first), Values(replaced));

        folder.Write(Path.Combine("model", "vae_decoder", "config.json"), """{ "scaling_factor": 0.5 }""");
        var scaled = await EvaluateAsync(Cache);
        Assert.Equal(Values(await EvaluateAsync(["--no-cache"])), Values(scaled));
        Assert.NotEqual(Values(replaced), Values(scaled));
    }

    [Fact]
    public async Task A_model_of_any_size_is_evaluated_at_one_and_then_at_another()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny with { Multipliers = [1], AttentionResolutions = [] });
        var shape = new TensorShape(["batch", 1, "height", "width"]);
        model.Graph.Inputs[0] = new(model.Graph.Inputs[0].Name, ElementType.Float, shape);
        model.Graph.Outputs[0] = new(model.Graph.Outputs[0].Name, ElementType.Float, shape);
        model.Save(Path.Combine(source, "unet", "model.onnx"));
        foreach (var (height, width) in new[] { (12, 20), (15, 17) })
        {
            await QuantizeAsync("--dimension", $"height={height}", "--dimension", $"width={width}");
            var cached = await EvaluateAsync(Cache);
            Assert.Equal(Values(await EvaluateAsync(["--no-cache"])), Values(cached));
        }
    }

    private string[] Cache => ["--cache-directory", folder.At("cache")];

    /// <summary>A decoder that multiplies: clipping to the range of pixels makes its images others.</summary>
    private void WriteDecoder(float factor)
    {
        var b = new GraphBuilder("decoder");
        var latent = b.Input("latent", ElementType.Float, "batch", 1, 8, 8);
        b.Output(latent * b.Constant(OnnxTensor.Scalar("", factor)), "image", ElementType.Float, "batch", 1, 8, 8);
        Directory.CreateDirectory(folder.At("model", "vae_decoder"));
        b.Build().Save(folder.At("model", "vae_decoder", "model.onnx"));
        folder.Write(Path.Combine("model", "vae_decoder", "config.json"), """{ "scaling_factor": 1 }""");
    }

    private async Task QuantizeAsync(params string[] more)
    {
        string[] arguments =
        [
            "quantize",
            source,
            "-o",
            folder.At("quantized"),
            "--quantize",
            "W4A8",
            "--method",
            "minmax",
            "--steps",
            "4",
            "--calibration-samples",
            "8",
            "--no-cache",
            .. more,
        ];
        var run = await ToolRun.OfAsync(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private async Task<EvaluationReport> EvaluateAsync(params string[] more)
    {
        var run = await ToolRun.OfAsync(["evaluate", folder.At("quantized"), .. Settings, .. more]);
        Assert.True(run.ExitCode == 0, run.Error);
        return EvaluationReport.Parse(File.ReadAllText(folder.At("evaluation", EvaluationReport.FileName)));
    }

    private Task<ToolRun> VerifyAsync(params string[] more) =>
        ToolRun.OfAsync(["verify", folder.At("quantized"), .. Settings, .. Cache, "--prefix-output", .. more]);

    private string[] Settings =>
        ["--float", source, "-o", folder.At("evaluation"), "--paired-images", "3", "--batch", "3", "--steps", "4"];

    private static IEnumerable<(string, double)> Values(EvaluationReport report) =>
        report.Metrics.Where(m => m.Name != MetricCatalog.Speedup).Select(m => (m.Name, m.Value));
}
