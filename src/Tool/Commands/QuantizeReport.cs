using System.Text.Json.Serialization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Parts;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>quantize</c> says when it is done.</summary>
internal sealed record QuantizeReport
{
    /// <summary>The path that was given.</summary>
    public required string Model { get; init; }

    /// <summary>The folder that was made.</summary>
    public required string Output { get; init; }

    /// <summary>The recipe's bits, <c>W4A8</c> for instance.</summary>
    public required string Quantize { get; init; }

    /// <summary>The recipe's method.</summary>
    public required string Method { get; init; }

    /// <summary>The recipe's policy.</summary>
    public required string Policy { get; init; }

    /// <summary>SHA-256 of the recipe.</summary>
    public required string RecipeHash { get; init; }

    /// <summary>What computes: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public string? Device { get; init; }

    /// <summary>The result's key; null where no cache is used.</summary>
    public string? CacheKey { get; init; }

    /// <summary>Whether it was made by another run.</summary>
    public bool FromCache { get; init; }

    /// <summary>Size of the float model.</summary>
    public required long FloatBytes { get; init; }

    /// <summary>Size of the quantized model.</summary>
    public required long QuantizedBytes { get; init; }

    /// <summary>How many times smaller it is.</summary>
    public required double Ratio { get; init; }

    /// <summary>Layers that were quantized.</summary>
    public required int QuantizedLayers { get; init; }

    /// <summary>Layers that were not.</summary>
    public required int FloatLayers { get; init; }

    /// <summary>The least SQNR of the network's output over the timesteps that were checked, in dB.</summary>
    public double? LeastOutputSqnr { get; init; }

    /// <summary>The timestep of that.</summary>
    public double? WorstTimestep { get; init; }

    /// <summary>How many timesteps were checked, over the whole trajectory.</summary>
    public int CheckedTimesteps { get; init; }

    /// <summary>Why the output was compared at none; null where it was.</summary>
    public string? Unchecked { get; init; }

    /// <summary>How many layers got more bits for the limits' sake; null where no limit was set.</summary>
    public int? RaisedLayers { get; init; }

    /// <summary>Whether the limits hold in the end; null where none was set.</summary>
    public bool? LimitsHold { get; init; }

    /// <summary>What became of the pipeline's other parts; null where they stayed as they were.</summary>
    public IReadOnlyList<PipelinePartReport>? Parts { get; init; }

    /// <summary>How long this run took.</summary>
    public double Seconds { get; init; }

    private string Sizes => Humanize.Sizes(FloatBytes, QuantizedBytes);

    private string Source => FromCache ? "from the cache" : $"in {Humanize.Time(TimeSpan.FromSeconds(Seconds))}";

    /// <summary>The whole in one line.</summary>
    [JsonIgnore]
    public string Summary =>
        $"{Model}: {Quantize} by {Method}, {Sizes}, "
        + $"{QuantizedLayers} of {QuantizedLayers + FloatLayers} layers quantized, {Source}";

    /// <summary>Describes an artifact.</summary>
    public static QuantizeReport Of(string model, string output, Recipe recipe)
    {
        var made = QuantizationReport.Parse(File.ReadAllText(Path.Combine(output, QuantizationReport.FileName)));
        return new()
        {
            Model = model,
            Output = output,
            Quantize = recipe.Bits.ToString(),
            Method = recipe.Method,
            Policy = recipe.Policy.Name,
            RecipeHash = recipe.Hash,
            FloatBytes = made.FloatBytes,
            QuantizedBytes = made.QuantizedBytes,
            Ratio = Math.Round((double)made.FloatBytes / Math.Max(1, made.QuantizedBytes), 3),
            QuantizedLayers = made.Layers.Count(l => l.Mode != LayerMode.Float),
            FloatLayers = made.Layers.Count(l => l.Mode == LayerMode.Float),
            RaisedLayers = made.Fallback?.Raised.Count,
            LimitsHold = made.Fallback?.Holds,
            LeastOutputSqnr = made.Worst?.Decibels,
            WorstTimestep = made.Worst?.Timestep,
            CheckedTimesteps = made.OutputSqnr.Count,
            Unchecked = made.Unchecked,
            Parts = made.Parts,
        };
    }

    /// <summary>Shows it to a person.</summary>
    public void Show(IAnsiConsole console) =>
        Facts.Show(
            console,
            ("Made", $"{Output} {Source}"),
            ("Recipe", $"{Quantize}, method {Method}, policy {Policy}"),
            ("Size", Sizes),
            ("Layers", $"{QuantizedLayers} quantized, {FloatLayers} float"),
            (
                "Limits",
                LimitsHold is { } holds
                    ? $"{(holds ? "hold" : "do not hold")} with more bits for {RaisedLayers} layers"
                    : null
            ),
            (
                "Output",
                LeastOutputSqnr is { } db && WorstTimestep is { } t
                    ? $"SQNR against the float model at least {db:0.0} dB (t = {TimestepText.Of(t)}, of {CheckedTimesteps} timesteps)"
                : Unchecked is { } why ? $"not compared: {why}"
                : null
            ),
            ("Parts", Parts is null ? null : string.Join("; ", Parts.Select(Told)))
        );

    private static string Told(PipelinePartReport part) =>
        $"{part.Part} {part.Form}, {Humanize.Sizes(part.FloatBytes, part.Bytes)}"
        + (part.OutputSqnr is { } db ? $", {db:0.0} dB" : "");
}
