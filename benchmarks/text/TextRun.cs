using System.Globalization;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>Makes rows: a model's pictures of the prompts, beside the float model's of the same noise.</summary>
internal sealed class TextRun : IDisposable
{
    // Two pictures that are equal have no finite PSNR, and one such pair would make the mean infinite.
    private const double MostPsnr = 100;
    private const int HashLength = 12;
    private const string PicturesFile = "pictures.bin";

    private readonly TextSettings settings;
    private readonly DiffusionModel model;
    private readonly string work;
    private readonly ClothesJudge judge;
    private readonly IReadOnlyList<ClothesPrompt> prompts;
    private readonly TrajectorySettings trajectory;
    private readonly string calibration;
    private readonly Measured exact;
    private readonly Lazy<PredictionErrors> errors;

    public TextRun(TextSettings settings)
    {
        this.settings = settings;
        model = DiffusionModel.Load(settings.Model);
        ModelHash = SourceHash.Of(model.ModelPath, model.Model)[..HashLength];
        // What is kept there is of this model, and sampled in this way.
        work = Directory
            .CreateDirectory(
                Path.Combine(
                    settings.Work,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{ModelHash}-{settings.Steps}-{settings.Guidance}-{settings.Policy}"
                    )
                )
            )
            .FullName;
        judge = new(settings.Judge, settings.Session);
        prompts = ClothesPrompts.Judged(settings.Images);
        using var encoder = PromptEncoder.Find(model, new() { Session = settings.Session, KeepLoaded = true })!;
        calibration = Path.Combine(work, "calibration.txt");
        File.WriteAllLines(calibration, ClothesPrompts.ForCalibration().Select(p => p.Text));
        trajectory = new()
        {
            Sampler = settings.RecipeOf("mse", settings.Bits[0], calibration).ToSamplerSettings(),
            Seed = Evaluation.EvaluationRequest.UsualSeed,
            GuidanceScale = settings.Guidance,
            Conditioning = encoder.Encode([.. prompts.Select(p => p.Text)]).ToConditioningSet(),
        };
        using var pipeline = DiffusionPipeline.Load(model, new() { Session = settings.Session });
        exact = Look(pipeline, Directory.CreateDirectory(Path.Combine(work, "float")).FullName);
        errors = new(() =>
        {
            using var again = DiffusionPipeline.Load(model, new() { Session = settings.Session });
            return PredictionErrors.Of(again, trajectory);
        });
    }

    /// <summary>The beginning of the hash of the float network's files.</summary>
    public string ModelHash { get; }

    /// <summary>The float model's row.</summary>
    public JsonObject Float()
    {
        var row = Row("float", "W32A32", exact);
        row["adherenceError"] = exact.Adherence.Error;
        return row;
    }

    /// <summary>Quantizes and measures.</summary>
    public JsonObject Quantized(string method, BitWidths bits)
    {
        var recipe = settings.RecipeOf(method, bits, calibration);
        var name = $"{bits}-{method.Replace(':', '-')}-{ResultFile.EffortName(recipe.Effort, recipe.Iterations)}";
        var folder = Path.Combine(work, name.Replace(", ", "-").Replace(' ', '-'));
        var cost = ApartQuantization.RunOrTake(settings.Model, folder, recipe, method, work);
        var quantized = DiffusionModel.Load(folder);
        using var pipeline = DiffusionPipeline.Load(quantized, new() { Session = settings.Session });
        var measured = Look(pipeline, folder);
        var (change, error) = measured.Adherence.Against(exact.Adherence);
        var sqnr = errors.Value.Measure(pipeline.Denoiser);
        var row = Row(method, $"{bits}", measured);
        row["effort"] = ResultFile.EffortName(recipe.Effort, recipe.Iterations);
        row["adherenceChange"] = change;
        row["adherenceError"] = error;
        row["fidToFloat"] = FrechetDistance.Between(measured.Features.Features(), exact.Features.Features());
        row["psnr"] = measured.Pictures.Zip(exact.Pictures, Psnr).Average();
        row["sqnrDb"] = sqnr.Calls;
        row["guidedSqnrDb"] = sqnr.Guided;
        row["sizeRatio"] = (double)ArtifactWriter.BytesOf(quantized) / ArtifactWriter.BytesOf(model);
        row["quantizeSeconds"] = cost.Seconds;
        row["quantizeProcessorSeconds"] = cost.ProcessorSeconds;
        row["peakMemoryMb"] = (double)cost.Memory;
        return row;
    }

    /// <inheritdoc/>
    public void Dispose() => judge.Dispose();

    private static double Psnr(RasterImage mine, RasterImage other) =>
        Math.Min(ImageSimilarity.Psnr(other.Pixels, mine.Pixels), MostPsnr);

    private Measured Look(DiffusionPipeline pipeline, string folder)
    {
        var pictures = TextPictures.Make(pipeline, trajectory, prompts.Count, Path.Combine(folder, PicturesFile));
        var (adherence, features) = judge.Look(pictures, prompts);
        var statistics = new ImageStatistics(prompts.Count, judge.Shape);
        statistics.Add([.. Enumerable.Range(0, prompts.Count)], features);
        return new(pictures, adherence, statistics);
    }

    private JsonObject Row(string method, string bits, Measured measured)
    {
        double Distance(int? without) =>
            FrechetDistance.Between(measured.Features.Features(without), judge.Reference.Features);
        double[] without = [.. Enumerable.Range(0, measured.Features.Blocks.Count()).Select(b => Distance(b))];
        return new()
        {
            ["method"] = method,
            ["bits"] = bits,
            ["policy"] = settings.Policy,
            ["model"] = ModelHash,
            ["images"] = prompts.Count,
            ["adherence"] = measured.Adherence.Mean,
            ["article"] = measured.Adherence.Article,
            ["colour"] = measured.Adherence.Colour,
            ["ground"] = measured.Adherence.Ground,
            ["fid"] = Distance(null),
            ["fidStandardError"] = Resampling.JackknifeError(without),
        };
    }

    private sealed record Measured(IReadOnlyList<RasterImage> Pictures, Adherence Adherence, ImageStatistics Features);
}
