using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation;

/// <summary>What <c>metrics.json</c> says: all that was measured of one model, and all that is needed to measure it again.</summary>
public sealed record EvaluationReport
{
    /// <summary>The file's name in an evaluation's folder.</summary>
    public const string FileName = "metrics.json";

    /// <summary>The version of this file's layout.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The tool's version.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>The version of ONNX Runtime.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>The device: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The command that measures it again; null where no command did.</summary>
    public string? Command { get; init; }

    /// <summary>The model.</summary>
    public required ModelIdentity Model { get; init; }

    /// <summary>The float model it is compared with; null when there is none.</summary>
    public ModelIdentity? Float { get; init; }

    /// <summary>How images were generated.</summary>
    public required SamplingIdentity Sampling { get; init; }

    /// <summary>The extractor of distribution metrics; null when none was measured.</summary>
    public ExtractorIdentity? Extractor { get; init; }

    /// <summary>The reference of distribution metrics; null when none was given.</summary>
    public ReferenceIdentity? Reference { get; init; }

    /// <summary>The CLIP model that compared images with their prompts; null when none did.</summary>
    public ClipIdentity? Clip { get; init; }

    /// <summary>The model's metrics, in the order of <see cref="MetricCatalog.All"/>.</summary>
    public required IReadOnlyList<Metric> Metrics { get; init; }

    /// <summary>The float model's own values of metrics that it has: those of distributions and the CLIP score, from the same
    /// noise.</summary>
    public IReadOnlyList<Metric> FloatMetrics { get; init; } = [];

    /// <summary>Noise-prediction quality by timestep, from the noisiest on.</summary>
    public IReadOnlyList<TimestepQuality> Timesteps { get; init; } = [];

    /// <summary>The layers, in topological order.</summary>
    public IReadOnlyList<LayerQuality> Layers { get; init; } = [];

    /// <summary>The layers that got more bits because a limit did not hold; null where no limit was set.</summary>
    public FallbackReport? Fallback { get; init; }

    /// <summary>What the files' bytes are spent on; null without a float model.</summary>
    public SizeBreakdown? Size { get; init; }

    /// <summary>Bit operations for one sample, a theoretical figure beside the time; null where the quantizer did not say.</summary>
    public BitOperations? BitOperations { get; init; }

    /// <summary>Time per step; null when it was not measured.</summary>
    public StepTimes? Speed { get; init; }

    /// <summary>Image pairs to look at.</summary>
    public IReadOnlyList<SamplePair> Samples { get; init; } = [];

    /// <summary>How the schedule beside the quantized model, by which apps sample it, differs from the float model's, by which
    /// both were measured: <c>prediction: epsilon, v_prediction</c>; null where it does not.</summary>
    public string? OtherSchedule { get; init; }

    /// <summary>What was not measured, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    private static JsonSerializerOptions Options { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            NewLine = "\n",
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

    /// <summary>The model's value of a metric; null when it was not measured.</summary>
    public Metric? Find(string name) => Metrics.FirstOrDefault(m => m.Name == name);

    /// <summary>The float model's value of a metric; null when it was not measured.</summary>
    public Metric? FindFloat(string name) => FloatMetrics.FirstOrDefault(m => m.Name == name);

    /// <summary>A metric's title for people, with the extractor's name where it is not the standard one, or with the CLIP
    /// model's.</summary>
    public string Label(string name)
    {
        var definition = MetricCatalog.Find(name);
        return definition.Kind switch
        {
            MetricKind.Distribution or MetricKind.DistributionToFloat when Extractor is not null => Extractor.Label(
                definition.Title
            ),
            MetricKind.Prompted when Clip is not null => $"{definition.Title}[{Clip.Name}]",
            _ => definition.Title,
        };
    }

    /// <summary>The file's text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options) + "\n";

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="JsonException">It is no such file.</exception>
    public static EvaluationReport Parse(string json) =>
        JsonSerializer.Deserialize<EvaluationReport>(json, Options) ?? throw new JsonException("The file is empty.");
}

/// <summary>One measured number.</summary>
/// <param name="Name">A name of <see cref="MetricCatalog"/>.</param>
/// <param name="Value">The value, in the metric's unit.</param>
/// <param name="Images">How many images it was measured on; 0 for metrics that depend on none.</param>
/// <param name="StandardError">Its standard error over images: by bootstrap for paired metrics, by jackknife over blocks of
/// images for distributions; null where it cannot be told.</param>
public sealed record Metric(string Name, double Value, int Images, double? StandardError = null)
{
    /// <summary>
    /// The value without each block of neighbouring images in turn; null where it cannot be told. Blocks of two measurements
    /// on the same noise hold the same images, so the values of both tell how far their difference is chance.
    /// </summary>
    public IReadOnlyList<double>? WithoutBlock { get; init; }
}

/// <summary>The quality of the network's output at a timestep, on the float model's x_t.</summary>
/// <param name="Timestep">t.</param>
/// <param name="Sqnr">10·log10(Σε² / Σ(ε − ε̂)²) in dB.</param>
/// <param name="Error">The mean of (ε − ε̂)².</param>
public sealed record TimestepQuality(double Timestep, double Sqnr, double Error);

/// <summary>The quality of a layer's output.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Operator">Its operator in the float graph.</param>
/// <param name="WeightBits">The weights' width; null where they are in float or it has none.</param>
/// <param name="ActivationBits">The width of its activation inputs; null where they are in float.</param>
/// <param name="Sqnr">SQNR of its output against the float model's on the same x_t in dB, errors of earlier layers included;
/// null where it was not measured.</param>
/// <param name="Parameters">Weights and biases.</param>
/// <param name="Scales">The step size of its input by timestep, where it depends on that.</param>
/// <param name="MeanWeightBits">The mean width of its output channels' weights, where they differ.</param>
/// <param name="ChannelWidths">The output channels of each width, where they differ.</param>
/// <param name="Deviations">How far the values of each input of a product of activations spread by timestep.</param>
/// <param name="WeightSqnr">SQNR of its stored weights in dB; null where they are in float or it has none.</param>
/// <param name="IsLast">Whether its output is the network's, whose quality metrics tell on more images.</param>
public sealed record LayerQuality(
    string Name,
    string Operator,
    int? WeightBits,
    int? ActivationBits,
    double? Sqnr,
    long Parameters,
    IReadOnlyList<TimestepScale>? Scales = null,
    double? MeanWeightBits = null,
    IReadOnlyList<ChannelWidth>? ChannelWidths = null,
    IReadOnlyList<IReadOnlyList<TimestepDeviation>>? Deviations = null,
    double? WeightSqnr = null,
    bool IsLast = false
);

/// <summary>What a model's bytes are spent on.</summary>
/// <param name="FloatBytes">Bytes of the float model.</param>
/// <param name="QuantizedBytes">Bytes of the quantized model.</param>
/// <param name="Parts">Parts of the quantized model's bytes, largest first; they add up to <paramref name="QuantizedBytes"/>.</param>
public sealed record SizeBreakdown(long FloatBytes, long QuantizedBytes, IReadOnlyList<SizePart> Parts);

/// <summary>A part of a file.</summary>
/// <param name="Name">What it holds: <c>4-bit weights</c>, <c>float weights</c>, <c>graph</c>.</param>
/// <param name="Bytes">Its bytes.</param>
public sealed record SizePart(string Name, long Bytes);

/// <summary>Time of a denoising step, measured in turns in one run.</summary>
/// <param name="FloatMilliseconds">The float model's median.</param>
/// <param name="QuantizedMilliseconds">The quantized model's median.</param>
/// <param name="Batch">Images at a time.</param>
/// <param name="Runs">Runs of each.</param>
/// <param name="Threads">Threads; 0 for one per core.</param>
public sealed record StepTimes(
    double FloatMilliseconds,
    double QuantizedMilliseconds,
    int Batch,
    int Runs,
    int Threads
);

/// <summary>Two images of the same noise.</summary>
/// <param name="Image">The image's index.</param>
/// <param name="Float">The float model's PNG, relative to the report's folder.</param>
/// <param name="Quantized">The quantized model's PNG, relative to the report's folder.</param>
/// <param name="Psnr">PSNR of the two in dB; infinite where they are equal.</param>
/// <param name="Prompt">What they should show; null where no prompt was given.</param>
public sealed record SamplePair(int Image, string Float, string Quantized, double Psnr, string? Prompt = null);
