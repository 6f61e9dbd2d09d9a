using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What a part of an evaluation is a part of.</summary>
public sealed record PartHeader
{
    /// <summary>The tool's version.</summary>
    public required string ToolVersion { get; init; }

    /// <summary><see cref="Evaluator.AlgorithmVersion"/> of the tool.</summary>
    public required int AlgorithmVersion { get; init; }

    /// <summary>The version of ONNX Runtime.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>The device: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The command that measures all of it again; null where no command did.</summary>
    public string? Command { get; init; }

    /// <summary>The model.</summary>
    public required ModelIdentity Model { get; init; }

    /// <summary>The float model; null for none.</summary>
    public ModelIdentity? Float { get; init; }

    /// <summary>How images were generated.</summary>
    public required SamplingIdentity Sampling { get; init; }

    /// <summary>The timesteps of the grid, from the noisiest on.</summary>
    public required IReadOnlyList<double> Timesteps { get; init; }

    /// <summary>Numbers of the network's output for an image.</summary>
    public required int OutputLength { get; init; }

    /// <summary>The extractor; null for none.</summary>
    public ExtractorIdentity? Extractor { get; init; }

    /// <summary>The reference; null for none.</summary>
    public ReferenceIdentity? Reference { get; init; }

    /// <summary>The CLIP model; null for none.</summary>
    public ClipIdentity? Clip { get; init; }

    /// <summary>Where the reference was found: a name or a path.</summary>
    public string? ReferenceSource { get; init; }

    /// <summary>Images for paired metrics, of the whole run.</summary>
    public required int PairedImages { get; init; }

    /// <summary>Images for distribution metrics, of the whole run.</summary>
    public required int DistributionImages { get; init; }

    /// <summary>Images at a time.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Which part this is, from 1.</summary>
    public int ShardIndex { get; init; } = 1;

    /// <summary>How many parts the run was divided into.</summary>
    public int ShardCount { get; init; } = 1;

    /// <summary>The layers.</summary>
    public IReadOnlyList<LayerQuality> Layers { get; init; } = [];

    /// <summary>The layers that got more bits because a limit did not hold; null where no limit was set.</summary>
    public FallbackReport? Fallback { get; init; }

    /// <summary>Bit operations for one sample.</summary>
    public BitOperations? BitOperations { get; init; }

    /// <summary>What the files' bytes are spent on.</summary>
    public SizeBreakdown? Size { get; init; }

    /// <summary>Time per step, where this part measured it.</summary>
    public StepTimes? Speed { get; init; }

    /// <summary>How the schedule beside the quantized model, by which apps sample it, differs from the float model's, by which
    /// both were measured: <c>prediction: epsilon, v_prediction</c>; null where it does not.</summary>
    public string? OtherSchedule { get; init; }

    /// <summary>The prompts of the first images, which repeat; null for none. All of them are part of
    /// <see cref="SamplingIdentity.ConditioningSha256"/>.</summary>
    public IReadOnlyList<string>? Prompts { get; init; }

    /// <summary>What is not measured, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Names the run: the same for all of its parts.</summary>
    [JsonIgnore]
    public string RunKey =>
        Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Settings.Select(s => $"{s.Name}: {s.Value}"))))
        );

    /// <summary>Images of the whole run.</summary>
    [JsonIgnore]
    public int Images => Math.Max(PairedImages, DistributionImages);

    private static JsonSerializerOptions Options { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

    private IEnumerable<(string Name, object? Value)> Settings =>
        [
            ("model", Model.Sha256),
            ("float model", Float?.Sha256),
            .. Sampling.Settings.Select(s => (s.Key, (object?)s.Value)),
            ("extractor", Extractor),
            ("reference", Reference),
            ("CLIP model", Clip?.Sha256),
            ("paired images", PairedImages),
            ("distribution images", DistributionImages),
            ("batch size", BatchSize),
            ("ONNX Runtime", RuntimeVersion),
            ("version of the algorithms", AlgorithmVersion),
        ];

    /// <summary>The first setting in which two parts differ so that they cannot be of one run; null where they can.</summary>
    public string? FindDifference(PartHeader other) =>
        Settings
            .Zip(other.Settings)
            .Where(pair => !Equals(pair.First.Value, pair.Second.Value))
            .Select(pair => $"{pair.First.Name}: {pair.First.Value ?? "none"}, {pair.Second.Value ?? "none"}")
            .FirstOrDefault();

    /// <summary>The header as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Reads the JSON.</summary>
    /// <exception cref="JsonException">It is no header.</exception>
    public static PartHeader Parse(string json) =>
        JsonSerializer.Deserialize<PartHeader>(json, Options) ?? throw new JsonException("The header is empty.");
}
