using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation;

/// <summary>What to measure.</summary>
/// <param name="ModelPath">A quantized model's folder, any model's folder, or an <c>.onnx</c> file.</param>
public sealed record EvaluationRequest(string ModelPath)
{
    /// <summary>The seed where none is given: another than calibration's, so that a model is judged on images it was not made on.</summary>
    public const ulong UsualSeed = 1;

    /// <summary>The float model to compare with; null for none, and then nothing paired is measured.</summary>
    public string? FloatPath { get; init; }

    /// <summary>Images for paired metrics; null for as many as suit the model's size, 32 for a small one.</summary>
    public int? PairedImages { get; init; }

    /// <summary>Images for distribution metrics, 0 for none; null for as many as suit the model's size, 512 for a small one.</summary>
    public int? DistributionImages { get; init; }

    /// <summary>The sampler; null for the one that the model was quantized for, or else DDIM.</summary>
    public SolverKind? Sampler { get; init; }

    /// <summary>Sampling steps; null as above, or else 50.</summary>
    public int? Steps { get; init; }

    /// <summary>DDIM's η; null as above, or else 0.</summary>
    public double? Eta { get; init; }

    /// <summary>How the steps are spread over the training timesteps; null as above, or else evenly.</summary>
    public TimeGridKind? TimeGrid { get; init; }

    /// <summary>The seed of the noise.</summary>
    public ulong Seed { get; init; } = UsualSeed;

    /// <summary>The scale of classifier-free guidance, 1 for none; null for that of the model's recipe, or else with prompts
    /// for what its family usually takes.</summary>
    public double? GuidanceScale { get; init; }

    /// <summary>A text file in UTF-8 with one prompt a line; image k has prompt k modulo their number. Null for none.</summary>
    public string? Prompts { get; init; }

    /// <summary>A file or folder with values for inputs that cannot be made up.</summary>
    public string? Conditioning { get; init; }

    /// <summary>How many images are denoised at a time; null for as many as suit their size. Batches begin at multiples of it
    /// whatever the division into parts, so that an image is computed beside the same others in every division.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Device and threads.</summary>
    public SessionSettings Session { get; init; } = SessionSettings.Default;

    /// <summary>What the models' files leave open.</summary>
    public ModelOptions Model { get; init; } = ModelOptions.Default;

    /// <summary>The extractor of distribution metrics: a name or a path; null for the one that suits the images, if there is one.</summary>
    public string? Extractor { get; init; }

    /// <summary>The reference of distribution metrics: a name or a path; null for the extractor's own, if it has one.</summary>
    public string? Reference { get; init; }

    /// <summary>A folder with a CLIP model in ONNX, which says how well the paired images fit their <see cref="Prompts"/>; null
    /// for none.</summary>
    public string? Clip { get; init; }

    /// <summary>Which part of the run to make.</summary>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>The command that the report names to measure it again.</summary>
    public string? Command { get; init; }
}

/// <summary>How far an evaluation is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Fraction">0 to 1 over all stages.</param>
/// <param name="Detail">What it is at, or null.</param>
public sealed record EvaluationProgress(string Stage, double Fraction, string? Detail);
