using System.Text.Json;
using System.Text.Json.Serialization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Search;

/// <summary>What quantizing the weights of one layer alone does to the network's output.</summary>
/// <param name="Layer">The layer's name.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Positions">Where it stands.</param>
/// <param name="Weights">The number of its weights.</param>
/// <param name="Errors">By width in bits: Σ(ε − ε̂)² / Σε² over the network's output, everything else in float.</param>
public sealed record LayerSensitivity(
    string Layer,
    string Operator,
    LayerPositions Positions,
    long Weights,
    IReadOnlyDictionary<int, double> Errors
)
{
    /// <summary>What stands for an error that is not finite: it is worse than any that is, and sums stay finite.</summary>
    public const double NotFinite = 1e30;

    internal LayerDescription Description => new(Layer, Operator, Positions);
}

/// <summary>The sensitivities of a model's layers.</summary>
/// <param name="Pairs">On how many pairs (x_t, t) they were measured.</param>
/// <param name="Layers">The layers that have weights, in topological order.</param>
public sealed record SensitivityTable(int Pairs, IReadOnlyList<LayerSensitivity> Layers)
{
    /// <summary>The usual name of its file.</summary>
    public const string FileName = "sensitivities.json";

    internal static JsonSerializerOptions Options { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            NewLine = "\n",
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
        };

    /// <summary>The file's text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options) + "\n";

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="JsonException">It is no such file.</exception>
    public static SensitivityTable Parse(string json) =>
        JsonSerializer.Deserialize<SensitivityTable>(json, Options) ?? throw new JsonException("The file is empty.");
}
