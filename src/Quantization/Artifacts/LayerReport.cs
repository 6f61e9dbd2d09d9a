using System.Text.Json.Serialization;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>What <c>quantization.json</c> says of a layer.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Operator">Its operator in the float graph.</param>
/// <param name="Positions">Where it stands.</param>
/// <param name="Mode">How it computes.</param>
/// <param name="Reason">Why it stays in float where the recipe did not ask for that.</param>
/// <param name="WeightShape">The weight's sizes.</param>
/// <param name="Parameters">Weights and biases.</param>
/// <param name="WeightBits">The weights' width; where channels have different ones, that around which they were given.</param>
/// <param name="WeightSqnr">SQNR of the weights in dB.</param>
/// <param name="Inputs">Its activation inputs.</param>
/// <param name="Output">The codes that its kernel writes.</param>
/// <param name="OutputSqnr">SQNR of its output against the float model's in dB, on the calls of
/// <see cref="QuantizationReport.OutputSqnr"/>, errors of earlier layers included; null for a layer inside a branch of the graph.</param>
/// <param name="MeanWeightBits">The mean width of its output channels' weights, where they differ.</param>
/// <param name="ChannelWidths">The output channels of each width, narrow ones first, where they differ.</param>
public sealed record LayerReport(
    string Name,
    string Operator,
    string Positions,
    LayerMode Mode,
    string? Reason,
    IReadOnlyList<long>? WeightShape,
    long Parameters,
    int? WeightBits,
    double? WeightSqnr,
    IReadOnlyList<ActivationReport> Inputs,
    ActivationReport? Output,
    double? OutputSqnr = null,
    double? MeanWeightBits = null,
    IReadOnlyList<ChannelWidth>? ChannelWidths = null
)
{
    /// <summary>What rules ask of it.</summary>
    [JsonIgnore]
    public LayerDescription Description => new(Name, Operator, LayerPattern.PositionsOf(Positions.Split(", ")));
}

/// <summary>Output channels of a weight that have one width.</summary>
/// <param name="Bits">The width.</param>
/// <param name="Channels">How many there are.</param>
/// <param name="LeastKurtosis">The least kurtosis of a channel's float weights.</param>
/// <param name="MedianKurtosis">The median.</param>
/// <param name="MostKurtosis">The greatest.</param>
public sealed record ChannelWidth(
    int Bits,
    int Channels,
    double LeastKurtosis,
    double MedianKurtosis,
    double MostKurtosis
);

/// <summary>What <c>quantization.json</c> says of an activation point.</summary>
/// <param name="Value">The value's name.</param>
/// <param name="Bits">The codes' width.</param>
/// <param name="Scale">The step size.</param>
/// <param name="ZeroPoint">The code of zero.</param>
/// <param name="Min">The smallest observed value.</param>
/// <param name="Max">The largest observed value.</param>
/// <param name="Sqnr">SQNR over the observed values in dB; of a point whose values are scaled by timestep, over the scaled
/// ones.</param>
/// <param name="IsLogarithmic">True where codes are powers of two; scale and zero point say nothing then. Null for uniform
/// codes.</param>
/// <param name="Timesteps">The step size in units of the value itself by timestep, where it depends on that.</param>
/// <param name="Deviations">How far its values spread by timestep; of inputs of products of activations.</param>
public sealed record ActivationReport(
    string Value,
    int Bits,
    float Scale,
    int ZeroPoint,
    float Min,
    float Max,
    double Sqnr,
    bool? IsLogarithmic = null,
    IReadOnlyList<TimestepScale>? Timesteps = null,
    IReadOnlyList<TimestepDeviation>? Deviations = null
);

/// <summary>The standard deviation of an activation point's values at a timestep.</summary>
/// <param name="Timestep">t.</param>
/// <param name="Rounded">Of what is rounded, normalized by timestep where the plan says so.</param>
/// <param name="Value">Of the value itself; where training has moved the factors of timesteps, off by as much.</param>
public sealed record TimestepDeviation(double Timestep, float Rounded, float Value);

/// <summary>The step size of an activation point at a timestep.</summary>
/// <param name="Timestep">t; a timestep between two has the nearer one's.</param>
/// <param name="Scale">The step size.</param>
public sealed record TimestepScale(double Timestep, float Scale);
