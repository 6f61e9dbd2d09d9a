using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>
/// Bit operations of a call for one sample: each multiplication counts the product of its two factors' widths (BOPs; Baskin
/// et al. 2021, "UNIQ"). A measure of papers and of hardware to come: kernels of 8 bits take as long for 4-bit codes.
/// </summary>
/// <param name="Float">With all factors in 32 bits.</param>
/// <param name="Quantized">With the widths of the plan.</param>
public sealed record BitOperations(double Float, double Quantized)
{
    private const double FloatBits = 32;

    /// <summary>How many times fewer they are: the speed-up of hardware that gains from every bit.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double Ratio => Float / Quantized;

    /// <summary>Counts the layers of a plan; those inside branches and loops, and fused ones, are left out.</summary>
    /// <param name="state">Graph and plan.</param>
    /// <param name="call">A call of the network.</param>
    internal static BitOperations Of(QuantizationState state, DenoiserCall call)
    {
        // One timestep or class for all stays what it is.
        var one = call.Count == 1 ? call : call.Take(0);
        var graph = FixedSizes.Of(state.Graph, state.Source.Contract, one).Graph;
        var nodes = graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var (floats, quantized) = (0.0, 0.0);
        foreach (var (layer, plan) in state.Layers.Zip(state.Plan.Layers))
        {
            if (nodes.TryGetValue(layer.Name, out var node) && Multiplications(graph, node, layer) is { } count)
            {
                floats += count * FloatBits * FloatBits;
                quantized += count * Left(plan) * Right(plan);
            }
        }

        return new(floats, quantized);
    }

    private static double Left(LayerPlan plan) => plan.Mode == LayerMode.Integer ? plan.Inputs[0].Bits : FloatBits;

    private static double Right(LayerPlan plan) =>
        plan.Mode == LayerMode.Float ? FloatBits
        : plan.Weight is { } weight ? weight.MeanBits
        : plan.Inputs[^1].Bits;

    /// <summary>How many numbers are multiplied; null where the layer's form does not tell.</summary>
    private static double? Multiplications(OnnxGraph graph, OnnxNode node, QuantizableLayer layer) =>
        (layer.Kind, layer.Weight) switch
        {
            (LayerKind.Convolution or LayerKind.Gemm or LayerKind.Linear, { } weight) => Elements(
                graph,
                node.Outputs[0]
            ) * (double)(weight.ElementCount / weight.Dims[layer.ChannelAxis]),
            // Each element of its input meets all weights of its channel.
            (LayerKind.TransposedConvolution, { } weight) => Elements(graph, node.Inputs[0])
                * (double)(weight.ElementCount / weight.Dims[0]),
            (LayerKind.MatrixProduct, _) => graph.ShapeOf(node.Inputs[0]) is { IsStatic: true, Rank: > 0 } left
                ? Elements(graph, node.Outputs[0]) * (double)left.ToStatic()[^1]
                : null,
            _ => null,
        };

    private static double? Elements(OnnxGraph graph, string value) =>
        graph.ShapeOf(value) is { IsStatic: true } shape ? shape.ToStatic().Aggregate(1.0, (a, b) => a * b) : null;
}
