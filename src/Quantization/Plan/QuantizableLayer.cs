using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>A layer that could be quantized: what the analysis of a graph finds.</summary>
/// <param name="Node">The operator call; its name is unique in the graph.</param>
/// <param name="Kind">What it computes.</param>
/// <param name="Positions">Where it stands.</param>
/// <param name="Weight">The constant weight, or null for a product of two activations.</param>
/// <param name="Obstacle">Why no integer kernel can run it, or null.</param>
public sealed record QuantizableLayer(
    OnnxNode Node,
    LayerKind Kind,
    LayerPositions Positions,
    OnnxTensor? Weight,
    string? Obstacle
)
{
    /// <summary>The layer's name.</summary>
    public string Name => Node.Name;

    /// <summary>What rules ask of it.</summary>
    public LayerDescription Description => new(Name, Node.OpType, Positions);

    /// <summary>Which of the node's inputs is the weight, where there is one.</summary>
    public int WeightInput { get; init; } = 1;

    /// <summary>The axis of the weight's output channels.</summary>
    public int ChannelAxis { get; init; }
}
