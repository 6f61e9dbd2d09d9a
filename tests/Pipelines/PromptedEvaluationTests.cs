using DiffusionQuant.Diffusion;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>Evaluations on prompts: what their pictures show, and what names them in a cache.</summary>
public sealed class PromptedEvaluationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Family family = Family.Create("sd15");
    private readonly string prompts;

    public PromptedEvaluationTests() => prompts = folder.Write("prompts.txt", "one\ntwo\n");

    public void Dispose()
    {
        family.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Pictures_bear_their_prompts()
    {
        using var setup = EvaluationSetup.Of(Request(Quantized()));
        var (baseline, work) = (NewFolder(), NewFolder());
        Evaluator.MakeBaseline(setup, baseline, work);
        var part = Evaluator.Measure(setup, baseline, work);
        var report = Evaluator.Assemble([("all", part)], null, NewFolder());
        Assert.Equal(["one", "two", "one"], report.Samples.OrderBy(s => s.Image).Select(s => s.Prompt));
    }

    /// <summary>A model is its own equal under guidance, too: call is compared with call.</summary>
    [Fact]
    public void The_float_model_has_no_error_against_itself()
    {
        using var setup = EvaluationSetup.Of(Request(family.Folder) with { GuidanceScale = 5 });
        var (baseline, work) = (NewFolder(), NewFolder());
        Evaluator.MakeBaseline(setup, baseline, work);
        var part = Evaluator.Measure(setup, baseline, work);
        var report = Evaluator.Assemble([("all", part)], null, NewFolder());
        // But for sums that a joined batch rounds otherwise.
        Assert.InRange(report.Find(MetricCatalog.NoiseSqnr)!.Value, 80, double.PositiveInfinity);
    }

    [Fact]
    public void Guidance_is_the_recipe_s_or_the_family_s()
    {
        var quantized = Quantized();
        Assert.Equal(3, GuidanceOf(Request(quantized)));
        Assert.Equal(2, GuidanceOf(Request(quantized) with { GuidanceScale = 2 }));
        Assert.Equal(7.5, GuidanceOf(Request(family.Folder)));
    }

    [Fact]
    public void Another_prompt_or_tokenizer_is_another_run()
    {
        var request = Request(Quantized());
        var keys = new HashSet<string>();
        Add("as it is");
        File.AppendAllText(prompts, "three\n");
        Add("with another prompt");
        // A name is no content.
        var merges = Path.Combine(family.Folder, "tokenizer", "merges.txt");
        File.SetLastWriteTimeUtc(merges, DateTime.UtcNow);
        Assert.Contains(BaselineKey(), keys);
        File.AppendAllText(Path.Combine(family.Folder, "tokenizer", "tokenizer_config.json"), "\n");
        Add("with other settings");

        string BaselineKey()
        {
            using var setup = EvaluationSetup.Of(request);
            return setup.BaselineKey;
        }

        void Add(string what) => Assert.True(keys.Add(BaselineKey()), what);
    }

    [Fact]
    public void Files_of_the_text_s_parts_decide_the_result()
    {
        using var setup = EvaluationSetup.Of(Request(Quantized()));
        var files = setup.FindFiles();
        string[] expected = ["text_encoder/model.onnx", "tokenizer/vocab.json", "vae_decoder/model.onnx"];
        Assert.All(expected, f => Assert.Contains(Path.Combine(family.Folder, f), files));
        Assert.Contains(prompts, files);
    }

    [Fact]
    public void A_model_without_text_refuses_prompts()
    {
        using var classes = Family.Create("dit");
        var request = new EvaluationRequest(classes.Folder) { Prompts = prompts, DistributionImages = 2 };
        Assert.Equal("DQ1067", Assert.Throws<DiffusionQuantException>(() => EvaluationSetup.Of(request)).Code);
    }

    /// <summary>A build passes the item's recipe file to the evaluation, too.</summary>
    [Fact]
    public async Task Prompts_of_a_recipe_file_judge_what_they_calibrated()
    {
        var recipe = folder.Write(
            "diffquant.json",
            """{"quantize": "W8A8", "method": "minmax", "steps": 2, "calibrationSamples": 4, "prompts": "prompts.txt"}"""
        );
        var (output, measured) = (folder.At("out"), folder.At("measured"));
        await ToolRun.SucceedAsync("quantize", family.Folder, "-o", output, "--recipe", recipe, "--no-cache");
        string[] evaluate = ["evaluate", output, "--float", family.Folder, "-o", measured, "--paired-images", "2"];
        await ToolRun.SucceedAsync([.. evaluate, "--recipe", recipe, "--no-cache"]);
        Assert.Contains("\"prompt\": \"two\"", await File.ReadAllTextAsync(Path.Combine(measured, "metrics.json")));
    }

    /// <summary>What a fresh result was said of is said of the same one out of the cache.</summary>
    [Fact]
    public async Task A_cut_prompt_is_told_each_time()
    {
        var prompt = folder.Write("long.txt", string.Join(' ', Enumerable.Repeat("red", 100)));
        string[] quantize = ["quantize", family.Folder, "--quantize", "W8A8", "--method", "minmax", "--steps", "2"];
        for (var run = 0; run < 2; run++)
        {
            var said = await ToolRun.SucceedAsync([
                .. quantize,
                "--prompts",
                prompt,
                "-o",
                folder.At("out"),
                "--cache-directory",
                folder.At("cache"),
            ]);
            Assert.Contains("DQ1068", said, StringComparison.Ordinal);
            Assert.Equal(run == 1, said.Contains("from the cache", StringComparison.Ordinal));
        }
    }

    /// <summary>Its own encoder reads the prompts of a pipeline whose encoder is another than the float model's.</summary>
    [Fact]
    public void A_quantized_pipeline_speaks_through_its_own_encoder()
    {
        var quantized = Quantized();
        var same = PairKeys(quantized);
        new Diffusion.Tests.Text.TinyTextEncoder { Seed = 99, Width = 24 }
            .Build()
            .Save(Path.Combine(quantized, "text_encoder", "model.onnx"));
        var other = PairKeys(quantized);
        Assert.Equal(same.Baseline, other.Baseline);
        Assert.NotEqual(same.Part, other.Part);
    }

    private string NewFolder() => Directory.CreateDirectory(folder.At(Path.GetRandomFileName())).FullName;

    private (string Baseline, string Part) PairKeys(string quantized)
    {
        using var setup = EvaluationSetup.Of(Request(quantized));
        return (setup.BaselineKey, setup.PartKey);
    }

    private static double GuidanceOf(EvaluationRequest request)
    {
        using var setup = EvaluationSetup.Of(request with { Extractor = null, PairedImages = 2 });
        return setup.Header.Sampling.GuidanceScale;
    }

    private EvaluationRequest Request(string quantized) =>
        new(quantized)
        {
            FloatPath = family.Folder,
            Prompts = prompts,
            PairedImages = 3,
            DistributionImages = 0,
            Steps = 2,
        };

    private string Quantized() => QuickRecipe.Run(family.Folder, folder.At("quantized"), prompts);
}
