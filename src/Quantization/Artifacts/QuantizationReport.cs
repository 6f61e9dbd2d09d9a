using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>What <c>quantization.json</c> says of a quantized model: how it was made, from what, and the plan in brief.</summary>
public sealed record QuantizationReport
{
    /// <summary>The file's name in an artifact's folder.</summary>
    public const string FileName = "quantization.json";

    /// <summary>The version of this file's layout.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The tool's version.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>The version of the algorithms; results may differ between two.</summary>
    public required int AlgorithmVersion { get; init; }

    /// <summary>The version of ONNX Runtime that calibrated.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>The device that calibrated: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The source model.</summary>
    public required SourceReport Source { get; init; }

    /// <summary>The recipe, in full.</summary>
    public required JsonNode Recipe { get; init; }

    /// <summary>SHA-256 of the recipe's canonical JSON.</summary>
    public required string RecipeHash { get; init; }

    /// <summary>The passes that ran, in order.</summary>
    public required IReadOnlyList<string> Passes { get; init; }

    /// <summary>How many pairs (x_t, t) calibration saw, and at which timesteps.</summary>
    public required CalibrationReport Calibration { get; init; }

    /// <summary>Bytes of the float model, external data included.</summary>
    public required long FloatBytes { get; init; }

    /// <summary>Bytes of the quantized model, external data included.</summary>
    public required long QuantizedBytes { get; init; }

    /// <summary>SQNR of the network's output against the float model on the same samples, in dB, by timestep.</summary>
    public required IReadOnlyList<TimestepSqnr> OutputSqnr { get; init; }

    /// <summary>The timestep at which the output is worst; null where none was compared.</summary>
    [JsonIgnore]
    public TimestepSqnr? Worst => OutputSqnr.MinBy(s => s.Decibels);

    /// <summary>Why the output was compared at no timestep; null where it was.</summary>
    public string? Unchecked { get; init; }

    /// <summary>Bit operations for one sample; null in files of earlier versions, and where nothing was compared.</summary>
    public BitOperations? BitOperations { get; init; }

    /// <summary>The layers, in topological order.</summary>
    public required IReadOnlyList<LayerReport> Layers { get; init; }

    /// <summary>What became of the pipeline's other parts; null where they stayed as they were.</summary>
    public IReadOnlyList<Parts.PipelinePartReport>? Parts { get; init; }

    /// <summary>The warnings DQ1068 of prompts that were cut; null for none.</summary>
    public IReadOnlyList<string>? CutPrompts { get; init; }

    /// <summary>What was raised because a limit did not hold; null where no limit was set.</summary>
    public FallbackReport? Fallback { get; init; }

    private static JsonSerializerOptions Options { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            NewLine = "\n",
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
        };

    /// <summary>The file's text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options) + "\n";

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="JsonException">It is no such file.</exception>
    public static QuantizationReport Parse(string json) =>
        JsonSerializer.Deserialize<QuantizationReport>(json, Options) ?? throw new JsonException("The file is empty.");
}

/// <summary>Which model was quantized.</summary>
/// <param name="File">The graph's file name.</param>
/// <param name="Sha256">Over the graph's file and its external data.</param>
/// <param name="Producer">The exporter, as the file names it.</param>
/// <param name="Opset">The opset of ONNX's own operators.</param>
public sealed record SourceReport(string File, string Sha256, string Producer, long Opset);

/// <summary>What calibration saw.</summary>
/// <param name="Samples">Pairs (x_t, t).</param>
/// <param name="Timesteps">The observed timesteps.</param>
public sealed record CalibrationReport(int Samples, IReadOnlyList<double> Timesteps);

/// <summary>The output's SQNR at a timestep.</summary>
/// <param name="Timestep">t.</param>
/// <param name="Decibels">10·log10(Σε² / Σ(ε − ε̂)²).</param>
public sealed record TimestepSqnr(double Timestep, double Decibels);
