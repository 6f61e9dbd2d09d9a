using DiffusionQuant.Onnx;
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

    /// <summary>
    /// The width of each output channel's weights, 1 to 8, where a pass gave them different ones; null where all have
    /// <see cref="WeightBits"/>.
    /// </summary>
    public IReadOnlyList<int>? ChannelBits { get; init; }

    /// <summary>Which of the layer's inputs is the weight, where there is one.</summary>
    public int WeightInput { get; init; } = 1;

    /// <summary>The weights' codes, once a pass has chosen them.</summary>
    public QuantizedWeight? Weight { get; init; }

    /// <summary>The points of its activation inputs: one, or two for a product of activations.</summary>
    public IReadOnlyList<ActivationPoint> Inputs { get; init; } = [];

    /// <summary>The point behind the layer where its kernel writes 8-bit codes; null when it writes floats.</summary>
    public ActivationPoint? Output { get; init; }

    /// <summary>All its points: those of its inputs, then that of its output.</summary>
    public IEnumerable<ActivationPoint> Points => Output is null ? Inputs : Inputs.Append(Output);

    /// <summary>What is added to the layer's bias, one number per output channel; null for nothing.</summary>
    public IReadOnlyList<float>? BiasCorrection { get; init; }

    /// <summary>The layer's weight, rounded to nearest on grids of the planned widths.</summary>
    /// <param name="layer">A layer whose weight the plan quantizes.</param>
    /// <param name="range">How each channel's range is found.</param>
    internal QuantizedWeight Quantized(QuantizableLayer layer, IRangeEstimator range)
    {
        var weight = layer.Weight!;
        var (values, dims) = (weight.ToFloats(), weight.Dims.ToArray());
        return ChannelBits is { } bits
            ? WeightQuantizer.Quantize(values, dims, layer.ChannelAxis, bits, range)
            : WeightQuantizer.Quantize(values, dims, layer.ChannelAxis, WeightBits!.Value, range);
    }

    /// <summary>Whether the kernel adds the bias to floats; others add it to their integer sums.</summary>
    internal bool AddsBiasInFloat => Kind == LayerKind.Convolution && Output is null;

    /// <summary>The name of a node's bias, if it has one.</summary>
    internal string? BiasOf(OnnxNode node) =>
        Kind is LayerKind.Convolution or LayerKind.TransposedConvolution or LayerKind.Gemm ? node.Input(2) : null;

    /// <summary>The bias with its correction: one number per output channel, or one for all.</summary>
    internal float[] Corrected(OnnxTensor bias)
    {
        var values = bias.ToFloats();
        return BiasCorrection is not { } correction
            ? values.ToArray()
            : [.. correction.Select((c, i) => c + values.Span[values.Length == 1 ? 0 : i])];
    }
}
