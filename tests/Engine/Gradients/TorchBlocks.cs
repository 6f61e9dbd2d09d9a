using System.Text;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>Blocks as exporters write them. All tensors are inputs of the graph.</summary>
internal sealed class TorchBlocks
{
    private readonly GraphBuilder b = new("block", opset: 17);
    private readonly Dictionary<string, (OnnxTensor Tensor, Value Value)> tensors = new(StringComparer.Ordinal);

    private TorchBlocks() { }

    /// <summary>A block's graph, whose output is the loss, and its tensors by name.</summary>
    public static (OnnxModel Model, IReadOnlyDictionary<string, OnnxTensor> Tensors) Build(string block)
    {
        var blocks = new TorchBlocks();
        var loss = block switch
        {
            "residual" => blocks.Residual(),
            "convolutions" => blocks.Convolutions(),
            "attention" => blocks.Attention(),
            "transformer" => blocks.Transformer(),
            "quantized" => blocks.Quantized(),
            _ => throw new ArgumentException($"There is no block '{block}'.", nameof(block)),
        };
        blocks.b.Output(loss, "loss", ElementType.Float);
        return (blocks.b.Build(), blocks.tensors.ToDictionary(t => t.Key, t => t.Value.Tensor));
    }

    private Value Residual()
    {
        var x = T("x", [2, 4, 5, 6]);
        var h = Conv("conv1", b.Silu(GroupNorm("norm1", x, [2, 4, 5, 6], 2)), [6, 4, 3, 3], pads: [1, 1, 1, 1]);
        var shift = b.Linear(T("time", [2, 5]), T("time.weight", [6, 5], 0.4f), T("time.bias", [6], 0.1f));
        h += b.Unsqueeze(b.Unsqueeze(shift, 2), 3);
        h = Conv("conv2", b.Silu(GroupNorm("norm2", h, [2, 6, 5, 6], 3)), [6, 6, 3, 3], pads: [1, 1, 1, 1]);
        return Distance(Conv("skip", x, [6, 4, 1, 1]) + h, [2, 6, 5, 6]);
    }

    private Value Convolutions()
    {
        var h = Conv("strided", T("x", [2, 4, 9, 8]), [8, 4, 3, 3], pads: [1, 1, 1, 1], strides: [2, 2]);
        h = Conv("dilated", b.Silu(h), [8, 8, 3, 2], pads: [2, 1, 2, 1], dilations: [2, 1]);
        h = Conv("grouped", b.Op("Tanh", h), [8, 2, 3, 3], pads: [1, 1, 1, 1], group: 4);
        h = b.Op(
            "ConvTranspose",
            [h, T("up.weight", [8, 6, 4, 3], 0.4f), T("up.bias", [6], 0.1f)],
            ("strides", new[] { 2L, 2 }),
            ("pads", new[] { 1L, 1, 1, 1 }),
            ("output_padding", new[] { 0L, 1 })
        );
        h = Conv("tall", b.Op("Sigmoid", h), [6, 6, 5, 1], pads: [1, 0, 1, 0]);
        h = Conv("depthwise", b.Op("Relu", h), [6, 1, 1, 5], pads: [0, 2, 0, 2], group: 6);
        return Distance(h, [2, 6, 8, 10]);
    }

    private Value Attention()
    {
        var x = T("x", [2, 6, 3, 4]);
        var h = GroupNorm("norm", x, [2, 6, 3, 4], 3);
        var (q, k, v) = (Flat("q"), Flat("k"), Flat("v"));
        var scores = b.MatMul(b.Transpose(q, 0, 2, 1), k);
        var probabilities = b.Softmax(scores * b.Scalar(0.4f));
        var mixed = b.Reshape(b.MatMul(v, b.Transpose(probabilities, 0, 2, 1)), [2, 6, 3, 4]);
        return Distance(x + Conv("out", mixed, [6, 6, 1, 1]), [2, 6, 3, 4]);

        Value Flat(string name) => b.Reshape(Conv(name, h, [6, 6, 1, 1]), [2, 6, 12]);
    }

    private Value Transformer()
    {
        var x = T("x", [2, 6, 8]);
        var h = LayerNorm("norm1", x);
        x += MultiHead("self", h, h, 8);
        x += MultiHead("cross", LayerNorm("norm2", x), T("context", [2, 5, 7]), 7);
        h = b.MatMul(LayerNorm("norm3", x), T("up.weight", [8, 12], 0.6f)) + T("up.bias", [12], 0.1f);
        var error = b.Op("Erf", h / b.Scalar(MathF.Sqrt(2)));
        var gelu = h * (error + b.Scalar(1f)) * b.Scalar(0.5f);
        x += b.MatMul(gelu, T("down.weight", [12, 8], 0.6f));
        return Distance(x, [2, 6, 8]);
    }

    private Value Quantized()
    {
        var h = b.Silu(GroupNorm("norm", T("x", [2, 4, 5, 6], 1.5f), [2, 4, 5, 6], 2));
        var step = T("step", [], 0.01f, 0.1f);
        var codes = b.Node(
            QuantizerOperators.FakeQuantize,
            [h, step],
            4,
            [("zero_point", 2L), ("max_code", 15L), ("gradient_scale", 0.25f)],
            QuantizerOperators.Domain
        );
        var stretched = (b.Op("Sigmoid", T("rounding", [6, 4, 3, 3], 3)) * b.Scalar(1.2f)) - b.Scalar(0.1f);
        var soft = b.Op("Clip", stretched, b.Scalar(0f), b.Scalar(1f));
        var rounded = b.Op("Floor", T("floor", [6, 4, 3, 3], 8)) + soft;
        var weight = b.Op("Clip", rounded, b.Scalar(-8f), b.Scalar(7f)) * T("scale", [6, 1, 1, 1], 0.02f, 0.05f);
        h = b.Op("Conv", [codes[0], weight], ("pads", new[] { 1L, 1, 1, 1 }), ("kernel_shape", new[] { 3L, 3 }));
        var far = b.Scalar(1f) - b.Op("Pow", b.Op("Abs", (soft * b.Scalar(2f)) - b.Scalar(1f)), b.Scalar(3f));
        return Distance(h, [2, 6, 5, 6]) + (b.Op("ReduceSum", [far], ("keepdims", 0L)) * b.Scalar(0.01f));
    }

    private Value MultiHead(string name, Value x, Value context, long width)
    {
        var (q, k, v) = (Heads("q", x, 8), Heads("k", context, width), Heads("v", context, width));
        var scores = b.MatMul(q, b.Transpose(k, 0, 1, 3, 2)) * b.Scalar(0.5f);
        var mixed = b.Reshape(b.Transpose(b.MatMul(b.Softmax(scores), v), 0, 2, 1, 3), [2, -1, 8]);
        return b.MatMul(mixed, T($"{name}.out.weight", [8, 8], 0.6f)) + T($"{name}.out.bias", [8], 0.1f);

        Value Heads(string kind, Value value, long size)
        {
            var projected = b.MatMul(value, T($"{name}.{kind}.weight", [size, 8], 0.6f));
            return b.Transpose(b.Reshape(projected, [2, -1, 2, 4]), 0, 2, 1, 3);
        }
    }

    private Value LayerNorm(string name, Value x) =>
        b.Op("LayerNormalization", x, T($"{name}.weight", [8], 0.2f, 1), T($"{name}.bias", [8], 0.2f));

    private Value GroupNorm(string name, Value x, long[] dims, int groups)
    {
        var channels = dims[1];
        var ones = b.Constant(OnnxTensor.Of("", Enumerable.Repeat(1f, groups).ToArray().AsSpan(), groups));
        var zeros = b.Constant(OnnxTensor.Of("", new float[groups].AsSpan(), groups));
        var grouped = b.Reshape(x, 0, groups, -1);
        var normalized = b.Op("InstanceNormalization", [grouped, ones, zeros], ("epsilon", 1e-5f));
        var weight = b.Unsqueeze(T($"{name}.weight", [channels], 0.2f, 1), 1, 2);
        var bias = b.Unsqueeze(T($"{name}.bias", [channels], 0.2f), 1, 2);
        return (b.Reshape(normalized, dims) * weight) + bias;
    }

    private Value Conv(
        string name,
        Value x,
        long[] dims,
        long[]? pads = null,
        long[]? strides = null,
        long[]? dilations = null,
        long group = 1
    ) =>
        b.Op(
            "Conv",
            [x, T($"{name}.weight", dims, 0.4f), T($"{name}.bias", dims[..1], 0.1f)],
            ("kernel_shape", dims[2..]),
            ("pads", pads ?? [0, 0, 0, 0]),
            ("strides", strides ?? [1, 1]),
            ("dilations", dilations ?? [1, 1]),
            ("group", group)
        );

    private Value Distance(Value output, long[] dims)
    {
        var difference = output - T("target", dims);
        return b.Op("ReduceMean", [difference * difference], ("keepdims", 0L));
    }

    /// <summary>A tensor of numbers that its name and their places make.</summary>
    private Value T(string name, long[] dims, float scale = 1, float centre = 0)
    {
        if (tensors.TryGetValue(name, out var known))
        {
            return known.Value;
        }

        var seed = Encoding.ASCII.GetBytes(name).Aggregate(2166136261u, (s, letter) => (s ^ letter) * 16777619u);
        var values = new float[dims.Aggregate(1L, (a, n) => a * n)];
        for (var i = 0u; i < values.Length; i++)
        {
            var h = ((i + 1) * 2654435761u) + seed;
            h = (h ^ (h >> 15)) * 2246822519u;
            h ^= h >> 13;
            values[i] = centre + (scale * (((h >> 8) / (float)(1 << 23)) - 1));
        }

        var value = b.Input(name, ElementType.Float, [.. dims.Select(n => (Dimension)n)]);
        tensors[name] = (OnnxTensor.Of(name, values.AsSpan(), dims), value);
        return value;
    }
}
