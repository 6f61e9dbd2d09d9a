using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>How a layer computes.</summary>
public enum LayerMode
{
    /// <summary>In float, as in the original.</summary>
    Float,

    /// <summary>In float with weights that are stored as codes and decoded when the model loads.</summary>
    WeightOnly,

    /// <summary>In integers.</summary>
    Integer,
}

/// <summary>What the plan says of one layer.</summary>
/// <param name="Layer">The layer's name.</param>
/// <param name="OpType">Its operator.</param>
/// <param name="Kind">What it computes.</param>
/// <param name="Positions">Where it stands.</param>
/// <param name="Mode">How it will compute.</param>
public sealed record LayerPlan(string Layer, string OpType, LayerKind Kind, LayerPositions Positions, LayerMode Mode)
{
    /// <summary>Why the layer stays in float, or why its activations do; null when the recipe simply asked for it.</summary>
    public string? Reason { get; init; }

    /// <summary>The weights' width; null for a product of two activations and for float.</summary>
    public int? WeightBits { get; init; }

    /// <summary>Which of the layer's inputs is the weight, where there is one.</summary>
    public int WeightInput { get; init; } = 1;

    /// <summary>The weights' codes, once a pass has chosen them.</summary>
    public QuantizedWeight? Weight { get; init; }

    /// <summary>The points of its activation inputs: one, or two for a product of activations.</summary>
    public IReadOnlyList<ActivationPoint> Inputs { get; init; } = [];

    /// <summary>The point behind the layer where its kernel writes 8-bit codes; null when it writes floats.</summary>
    public ActivationPoint? Output { get; init; }
}
