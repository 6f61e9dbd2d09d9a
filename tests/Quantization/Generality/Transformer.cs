using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>How a transformer's parts are written down; exporters and sources differ in all of these.</summary>
internal sealed record TransformerForm
{
    public bool DecomposedNorm { get; init; }

    public bool TanhGelu { get; init; }

    public bool DividesScores { get; init; }

    public bool EinsumUnpatchify { get; init; }

    public bool FlatLinears { get; init; }

    public ElementType Type { get; init; } = ElementType.Float;

    public long Opset { get; init; } = 17;

    public NameStyle Style { get; init; }
}

/// <summary>
/// A DiT (Peebles and Xie 2023): patches, adaptive layer normalization from timestep and class, attention with heads,
/// GELU, and patches put together again. 2×8×8 images, patches of 2, 16 wide, 2 heads.
/// </summary>
internal sealed class Transformer(TransformerForm form)
{
    private const int Width = 16;
    private const int Heads = 2;
    private const int Grid = 4;
    private readonly SeededWeights weights = new(11);
    private readonly GraphBuilder b = new("dit", form.Opset, form.Style);

    public OnnxModel Build()
    {
        var x = b.Input("hidden_states", form.Type, "batch", 2, 8, 8);
        var t = b.Input("timestep", ElementType.Int64, "batch");
        var y = b.Input("class_labels", ElementType.Int64, "batch");
        var patches = b.Op(
            "Conv",
            [x, Weight("proj.weight", Width, 2, 2, 2), Bias("proj.bias", Width)],
            ("kernel_shape", new[] { 2L, 2 }),
            ("strides", new[] { 2L, 2 })
        );
        var tokens = b.Transpose(b.Reshape(patches, 0, Width, -1), 0, 2, 1);
        tokens += b.Parameter("pos_embed", Tensor(1, Grid * Grid, Width));
        var condition = b.Silu(Condition(t, y));
        tokens = Block(tokens, condition);
        var shift = Modulation(condition, 2);
        tokens = Linear("out", Modulate(Norm(tokens), shift[0], shift[1]), 8);
        var parts = b.Reshape(tokens, -1, Grid, Grid, 2, 2, 2);
        parts = form.EinsumUnpatchify
            ? b.Op("Einsum", [parts], ("equation", "nhwpqc->nchpwq"))
            : b.Transpose(parts, 0, 5, 1, 3, 2, 4);
        b.Output(b.Reshape(parts, -1, 2, 8, 8), "output", form.Type, "batch", 2, 8, 8);
        return b.Build();
    }

    private OnnxTensor Tensor(params long[] dims) => weights.Kaiming(dims, 1, form.Type);

    private Value Weight(string name, params long[] dims) => b.Parameter(name, Tensor(dims));

    private Value Bias(string name, long count) => b.Parameter(name, weights.Around(0, 0.2f, [count], form.Type));

    private Value Number(float value) => b.Scalar(value, form.Type);

    private Value Linear(string name, Value x, long columns)
    {
        var matrix = TensorTransposition.Transpose(Tensor(columns, Width), null);
        var weight = b.AnonymousParameter(matrix, "MatMul");
        if (!form.FlatLinears)
        {
            return Bias($"{name}.bias", columns) + b.MatMul(x, weight);
        }

        var rows = b.Op("Gemm", b.Reshape(x, -1, Width), weight, Bias($"{name}.bias", columns));
        return b.Reshape(rows, -1, Grid * Grid, columns);
    }

    private Value Condition(Value t, Value y)
    {
        var frequencies = Enumerable.Range(0, 8).Select(i => MathF.Pow(10000, -i / 8f)).ToArray();
        var phase =
            b.Reshape(b.Cast(t, ElementType.Float), -1, 1) * b.Constant(OnnxTensor.Of("", frequencies.AsSpan(), 1, 8));
        var waves = b.Cast(b.Concat(1, b.Op("Cos", phase), b.Op("Sin", phase)), form.Type);
        var time = b.Linear(waves, Weight("t.0.weight", Width, 16), Bias("t.0.bias", Width));
        time = b.Linear(b.Silu(time), Weight("t.2.weight", Width, Width), Bias("t.2.bias", Width));
        return time + b.Op("Gather", [Weight("y.weight", 11, Width), y], ("axis", 0L));
    }

    /// <summary>Shift, scale (and gate) of each sublayer, [N,1,C] each.</summary>
    private Value[] Modulation(Value condition, int count)
    {
        var all = b.Linear(condition, Weight("adaLN.weight", count * Width, Width), Bias("adaLN.bias", count * Width));
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i =>
                    b.Unsqueeze(
                        b.Op("Slice", all, b.Constant(i * Width), b.Constant((i + 1) * Width), b.Constant(1)),
                        1
                    )
                ),
        ];
    }

    private Value Modulate(Value x, Value shift, Value scale) => (x * (scale + Number(1))) + shift;

    private Value Norm(Value x)
    {
        if (!form.DecomposedNorm)
        {
            var ones = weights.Around(1, 0, [Width], form.Type);
            return b.Op("LayerNormalization", [x, b.Parameter("norm.weight", ones)], ("epsilon", 1e-6f), ("axis", -1L));
        }

        var centred = x - b.ReduceMean(x, [-1]);
        var variance = b.ReduceMean(b.Op("Pow", centred, Number(2)), [-1]);
        return centred / b.Op("Sqrt", variance + Number(1e-5f));
    }

    private Value Gelu(Value x)
    {
        if (form.TanhGelu)
        {
            var inner = (x + (b.Op("Pow", x, Number(3)) * Number(0.044715f))) * Number(0.7978846f);
            return x * Number(0.5f) * (b.Op("Tanh", inner) + Number(1));
        }

        return x * (b.Op("Erf", x / Number(1.4142135f)) + Number(1)) * Number(0.5f);
    }

    private Value Block(Value tokens, Value condition)
    {
        using var scope = b.Scope("blocks.0");
        var m = Modulation(condition, 6);
        tokens += m[2] * Attention(Modulate(Norm(tokens), m[0], m[1]));
        var h = Linear("fc2", Gelu(Linear("fc1", Modulate(Norm(tokens), m[3], m[4]), Width)), Width);
        return tokens + (m[5] * h);
    }

    private Value Attention(Value x)
    {
        const int Depth = Width / Heads;
        Value Split(string name, params long[] order) =>
            b.Transpose(b.Reshape(Linear(name, x, Width), 0, -1, Heads, Depth), order);

        var (q, k, v) = (Split("q", 0, 2, 1, 3), Split("k", 0, 2, 3, 1), Split("v", 0, 2, 1, 3));
        var root = Number(MathF.Pow(Depth, -0.25f));
        var scores = form.DividesScores ? b.MatMul(q, k) / Number(MathF.Sqrt(Depth)) : b.MatMul(q * root, k * root);
        var result = b.MatMul(b.Softmax(scores), v);
        return Linear("proj", b.Reshape(b.Transpose(result, 0, 2, 1, 3), 0, -1, Width), Width);
    }
}
