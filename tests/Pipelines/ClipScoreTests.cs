using DiffusionQuant.Diffusion;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Diffusion.Tests.Text;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Evaluation.Tests.Features.Clip;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>The metrics that only pipelines have: how well pictures fit their prompts, and how far latents are apart.</summary>
public sealed class ClipScoreTests : IDisposable
{
    private const int Images = 3;
    private static readonly double[] Mean = [0.48145466, 0.4578275, 0.40821073];
    private static readonly double[] Deviation = [0.26862954, 0.26130258, 0.27577711];

    private readonly TemporaryFolder folder = new();
    private readonly Family family = Family.Create("sd15");
    private readonly string prompts;
    private readonly TinyClip clip;
    private readonly Lazy<string> quantized;

    public ClipScoreTests()
    {
        quantized = new(Quantize);
        prompts = folder.Write("prompts.txt", $"{TextFixture.Prompt}\na\n");
        using var pipeline = DiffusionPipeline.Load(family.Folder);
        clip = new() { Size = pipeline.FindPictureSize().Height };
    }

    public void Dispose()
    {
        family.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Both_models_are_measured_and_reported()
    {
        var (report, at) = Evaluate(Request());
        var score = report.Find(MetricCatalog.ClipScore)!;
        Assert.Equal(Expected(at, "quantized").Average(), score.Value, 1e-3);
        Assert.Equal(Images, score.Images);
        Assert.NotNull(score.StandardError);
        Assert.Equal(Images, score.WithoutBlock!.Count);
        Assert.Equal(
            Expected(at, "float").Average(),
            Assert.Single(report.FloatMetrics, m => m.Name == MetricCatalog.ClipScore).Value,
            1e-3
        );
        Assert.Equal("CLIP score[clip-1]", report.Label(MetricCatalog.ClipScore));

        var latents = report.Find(MetricCatalog.LatentSqnr)!;
        Assert.Equal(Latents().Average(), latents.Value, 1e-3);
        Assert.Null(report.FindFloat(MetricCatalog.LatentSqnr));
    }

    [Fact]
    public async Task The_tool_shows_both_and_takes_them_from_its_cache()
    {
        var measured = folder.At("measured");
        string[] evaluate =
        [
            "evaluate",
            quantized.Value,
            "--float",
            family.Folder,
            "-o",
            measured,
            "--prompts",
            prompts,
            "--paired-images",
            "3",
            "--images",
            "0",
            "--steps",
            "2",
            "--clip",
            Clip(),
            "--cache-directory",
            folder.At("cache"),
        ];
        var said = await ToolRun.SucceedAsync(evaluate);
        Assert.Contains("CLIP score[clip-1]", said);
        Assert.Contains("Latent SQNR", said);
        var page = await File.ReadAllTextAsync(Path.Combine(measured, "report.html"));
        Assert.Contains("data-metric=\"clipScore\"", page);
        Assert.Contains("data-metric=\"latentSqnr\"", page);
        Assert.Contains("<h3>CLIP model</h3>", page);
        var first = EvaluationReport.Parse(await File.ReadAllTextAsync(Path.Combine(measured, "metrics.json")));
        await ToolRun.SucceedAsync(evaluate);
        var second = EvaluationReport.Parse(await File.ReadAllTextAsync(Path.Combine(measured, "metrics.json")));
        Assert.Equal(first.Find(MetricCatalog.ClipScore)!.Value, second.Find(MetricCatalog.ClipScore)!.Value);
    }

    [Fact]
    public void Another_clip_model_is_another_measurement()
    {
        var request = Request(family.Folder);
        var plain = Keys(request with { Clip = null });
        var one = Keys(request);
        var other = Keys(request with { Clip = Clip(seed: 2) });
        Assert.Equal(3, new[] { plain.Part, one.Part, other.Part }.Distinct().Count());
        // The float model's pictures are the same.
        Assert.Single(new[] { plain.Baseline, one.Baseline, other.Baseline }.Distinct());
        Assert.Equal(3, new[] { plain.Run, one.Run, other.Run }.Distinct().Count());
    }

    [Fact]
    public void Its_files_decide_the_result()
    {
        using var setup = EvaluationSetup.Of(Request(family.Folder));
        string[] expected = ["model.onnx", "vocab.json", "preprocessor_config.json"];
        Assert.All(expected, f => Assert.Contains(Path.Combine(folder.Path, "clip-1", f), setup.FindFiles()));
    }

    [Fact]
    public void Values_of_another_clip_model_are_never_compared()
    {
        var (report, _) = Evaluate(Request());
        var snapshot = MetricsSnapshot.Parse(MetricsSnapshot.Of(report).ToJson());
        Assert.Equal(report.Clip, snapshot.Measurements[0].Clip);
        Assert.NotNull(snapshot.FindMeasurement(report));
        // A name is no content.
        Assert.NotNull(snapshot.FindMeasurement(report with { Clip = report.Clip! with { Name = "other" } }));
        var error = Assert.Throws<DiffusionQuantException>(() =>
            snapshot.FindMeasurement(report with { Clip = report.Clip! with { Sha256 = new('a', 64) } })
        );
        Assert.Equal("DQ3001", error.Code);
        Assert.Contains("CLIP model: ", error.Message);

        // One of an earlier version is compared in what it tells, and what is measured without a CLIP model lacks a value.
        var without = report with
        {
            Clip = null,
            Metrics = [.. report.Metrics.Where(m => m.Name is not MetricCatalog.ClipScore)],
        };
        var earlier = MetricsSnapshot.Of(
            without with
            {
                Metrics = [.. without.Metrics.Where(m => m.Name != MetricCatalog.LatentSqnr)],
            }
        );
        var context = new GateContext(folder.At("x.metrics.verified.json"));
        Assert.Empty(QualityGate.Check(report, earlier, new(), context).Findings);
        Assert.Equal("DQ2008", Assert.Single(QualityGate.Check(without, snapshot, new(), context).Findings).Code);
    }

    [Fact]
    public void Without_something_to_score_it_is_refused()
    {
        var request = Request(family.Folder);
        Refused(request with { Prompts = null }, "there are no prompts");
        Refused(request with { PairedImages = 0, DistributionImages = 2 }, "there are none");
        Refused(request with { FloatPath = null, DistributionImages = 2 }, "there are none");
        Blind(family.Folder);
        Refused(request, "has no VAE decoder");

        static void Refused(EvaluationRequest request, string why)
        {
            var error = Assert.Throws<DiffusionQuantException>(() => EvaluationSetup.Of(request));
            Assert.Equal("DQ3017", error.Code);
            Assert.Contains(why, error.Message);
        }
    }

    [Fact]
    public void Latents_are_compared_where_nothing_makes_pictures_of_them()
    {
        var expected = Latents();
        Blind(family.Folder, quantized.Value);
        var (report, _) = Evaluate(Request() with { Clip = null });
        Assert.Equal(expected.Average(), report.Find(MetricCatalog.LatentSqnr)!.Value, 1e-3);
        Assert.Null(report.Find(MetricCatalog.Psnr));
    }

    /// <summary>Takes the decoders away.</summary>
    private static void Blind(params string[] models)
    {
        foreach (var model in models)
        {
            Directory.Delete(Path.Combine(model, "vae_decoder"), recursive: true);
        }
    }

    /// <summary>The scores of the pictures that a report keeps.</summary>
    private IEnumerable<double> Expected(string report, string model) =>
        Enumerable
            .Range(0, Images)
            .Select(k =>
            {
                var image = ImageFile.Load(Path.Combine(report, "samples", $"{k:0000}-{model}.png"));
                int[] tokens = k % 2 == 0 ? [602, 320, 549, 584, 521, 320, 535, 520, 603] : [602, 320, 603];
                return clip.Score(
                    tokens,
                    [
                        .. Enumerable
                            .Range(0, 3)
                            .SelectMany(c =>
                                Enumerable
                                    .Range(0, clip.Size * clip.Size)
                                    .Select(i => ((image.Pixels[(3 * i) + c] / 255.0) - Mean[c]) / Deviation[c])
                            ),
                    ]
                );
            });

    /// <summary>The latents' SQNR of each image in dB, from the samples of both models themselves.</summary>
    private double[] Latents()
    {
        var (exact, other) = (Sample(family.Folder), Sample(quantized.Value));
        var size = exact.Length / Images;
        return
        [
            .. Enumerable
                .Range(0, Images)
                .Select(k =>
                {
                    var range = Enumerable.Range(k * size, size).ToArray();
                    var signal = range.Sum(i => (double)exact[i] * exact[i]);
                    var noise = range.Sum(i => Math.Pow((double)exact[i] - other[i], 2));
                    return 10 * Math.Log10(signal / noise);
                }),
        ];
    }

    private float[] Sample(string path)
    {
        var model = DiffusionModel.Load(path);
        using var pipeline = DiffusionPipeline.Load(model);
        var settings = new TrajectorySettings
        {
            Sampler = new() { Steps = 2 },
            Seed = EvaluationRequest.UsualSeed,
            GuidanceScale = 3,
            Conditioning = PromptEncoder.EncodeFile(model, prompts, 3, ConditioningSet.Empty),
        };
        var trajectory = new Trajectory(pipeline.Denoiser, pipeline.Schedule, settings);
        return trajectory.Steps([.. Enumerable.Range(0, Images)]).Last().Next;
    }

    private (EvaluationReport Report, string Folder) Evaluate(EvaluationRequest request)
    {
        using var setup = EvaluationSetup.Of(request);
        var (baseline, work, output) = (NewFolder(), NewFolder(), NewFolder());
        Evaluator.MakeBaseline(setup, baseline, work);
        return (Evaluator.Assemble([("all", Evaluator.Measure(setup, baseline, work))], null, output), output);
    }

    private static (string Baseline, string Part, string Run) Keys(EvaluationRequest request)
    {
        using var setup = EvaluationSetup.Of(request);
        return (setup.BaselineKey, setup.PartKey, setup.Header.RunKey);
    }

    private string NewFolder() => Directory.CreateDirectory(folder.At(Path.GetRandomFileName())).FullName;

    private string Clip(int seed = 1)
    {
        var at = Path.Combine(folder.Path, $"clip-{seed}");
        return Directory.Exists(at) ? at : (clip with { Seed = seed }).Save(Directory.CreateDirectory(at).FullName);
    }

    private EvaluationRequest Request(string? model = null) =>
        new(model ?? quantized.Value)
        {
            FloatPath = family.Folder,
            Prompts = prompts,
            Clip = Clip(),
            PairedImages = Images,
            DistributionImages = 0,
            Steps = 2,
        };

    private string Quantize() => QuickRecipe.Run(family.Folder, folder.At("quantized"), prompts);
}
