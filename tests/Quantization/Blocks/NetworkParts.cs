using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>Parts of diffusion networks, written as exporters write them; images have 8 channels, tokens are 8 wide.</summary>
internal sealed class NetworkParts(GraphBuilder b)
{
    public const int Width = 8;
    private readonly SeededWeights weights = new(3);

    public bool DecomposedNorms { get; init; }

    public Value Conv(string name, Value x, int from = Width, int to = Width, int kernel = 3, int group = 1)
    {
        using var scope = b.Scope(name);
        var weight = b.Parameter($"{name}.weight", weights.Kaiming([to, from / group, kernel, kernel], 1));
        var bias = b.Parameter($"{name}.bias", weights.Around(0, 1, [to]));
        return b.Conv(x, weight, bias, kernel / 2, group: group);
    }

    /// <summary>A fully connected layer on tokens: MatMul and its bias.</summary>
    public Value Linear(string name, Value x, int to = Width, int from = Width)
    {
        using var scope = b.Scope(name);
        var matrix = b.AnonymousParameter(weights.Kaiming([from, to], 1), "MatMul");
        return b.Parameter($"{name}.bias", weights.Around(0, 1, [to])) + b.MatMul(x, matrix);
    }

    /// <summary>Timestep to a vector.</summary>
    public Value Time(Value timestep)
    {
        using var scope = b.Scope("time_embedding");
        var phase = b.Unsqueeze(b.Cast(timestep, ElementType.Float), 1) * Constant(1, Width / 2);
        var waves = b.Concat(1, b.Op("Sin", phase), b.Op("Cos", phase));
        return Gemm("linear_2", b.Silu(Gemm("linear_1", waves)));
    }

    public Value Gemm(string name, Value x, int to = Width, int from = Width)
    {
        using var scope = b.Scope(name);
        var weight = b.Parameter($"{name}.weight", weights.Kaiming([to, from], 1));
        return b.Linear(x, weight, b.Parameter($"{name}.bias", weights.Around(0, 1, [to])));
    }

    /// <summary>diffusers' ResnetBlock2D.</summary>
    public Value Residual(string name, Value x, Value? time, int from = Width)
    {
        using var scope = b.Scope(name);
        var h = Conv("conv1", b.Silu(GroupNorm(x, from)), from);
        if (time is not null)
        {
            h += b.Unsqueeze(b.Unsqueeze(Gemm("time_emb_proj", b.Silu(time)), 2), 3);
        }

        h = Conv("conv2", b.Silu(GroupNorm(h)));
        var shortcut = from == Width ? x : Conv("conv_shortcut", x, from, kernel: 1);
        return (shortcut + h) / b.Scalar(1f);
    }

    /// <summary>diffusers' AttentionBlock: tokens of pixels, one residual around them.</summary>
    public Value PixelAttention(string name, Value x)
    {
        using var scope = b.Scope(name);
        var tokens = Tokens(GroupNorm(x));
        var mixed = Attention(tokens, tokens);
        return Image(mixed, x) + x;
    }

    /// <summary>Transformer2DModel: projections around BasicTransformerBlocks, and a residual around all.</summary>
    public Value SpatialTransformer(string name, Value x, Value text, int blocks)
    {
        using var scope = b.Scope(name);
        var tokens = Tokens(Conv("proj_in", GroupNorm(x), kernel: 1));
        for (var i = 0; i < blocks; i++)
        {
            tokens = BasicTransformer($"transformer_blocks.{i}", tokens, text);
        }

        return Conv("proj_out", Image(tokens, x), kernel: 1) + x;
    }

    public Value BasicTransformer(string name, Value x, Value text)
    {
        using var scope = b.Scope(name);
        var own = LayerNorm(x);
        x = Attention(own, own, "attn1") + x;
        x = Attention(LayerNorm(x), text, "attn2") + x;
        var gates = b.Node("Split", [Linear("ff.0", LayerNorm(x), 8 * Width)], 2, [("axis", -1L)]);
        return Linear("ff.2", gates[0] * Gelu(gates[1]), Width, 4 * Width) + x;
    }

    public Value Attention(Value x, Value context, string name = "attn")
    {
        using var scope = b.Scope(name);
        var (q, k, v) = (Heads(Linear("to_q", x)), Heads(Linear("to_k", context)), Heads(Linear("to_v", context)));
        return Linear("to_out", Unheads(Mix(q, k, v)));
    }

    public Value Mix(Value q, Value k, Value v)
    {
        var scores = b.MatMul(q, b.Transpose(k, 0, 1, 3, 2)) * b.Scalar(0.5f);
        return b.MatMul(b.Softmax(scores), v);
    }

    public Value Heads(Value x) => b.Transpose(b.Reshape(x, 0, -1, 2, Width / 2), 0, 2, 1, 3);

    public Value Unheads(Value x) => b.Reshape(b.Transpose(x, 0, 2, 1, 3), 0, -1, Width);

    public Value FeedForward(string name, Value x)
    {
        using var scope = b.Scope(name);
        return Linear("2", Gelu(Linear("0", x, 4 * Width)), Width, 4 * Width);
    }

    public Value Gelu(Value x) => x * (b.Op("Erf", x / b.Scalar(1.4142135f)) + b.Scalar(1f)) * b.Scalar(0.5f);

    public Value GroupNorm(Value x, int channels = Width)
    {
        if (!DecomposedNorms)
        {
            return b.GroupNorm(x, 2, weights.Around(1, 0.1f, [channels, 1, 1]), weights.Around(0, 1, [channels, 1, 1]));
        }

        var normal = b.Reshape(Normal(b.Reshape(x, 0, 2, -1)), b.Op("Shape", x));
        return (normal * Constant(channels, 1, 1)) + Constant(channels, 1, 1);
    }

    public Value LayerNorm(Value x) =>
        DecomposedNorms
            ? (Normal(x) * Constant(Width)) + Constant(Width)
            : b.Op("LayerNormalization", [x, Constant(Width), Constant(Width)], ("axis", -1L));

    public Value Tokens(Value image) =>
        b.Transpose(b.Reshape(image, b.Concat(0, Sizes(image, 0), Sizes(image, 1), b.Constant(-1))), 0, 2, 1);

    public Value Image(Value tokens, Value like) => b.Reshape(b.Transpose(tokens, 0, 2, 1), b.Op("Shape", like));

    private Value Sizes(Value x, long axis) => b.Unsqueeze(b.Size(x, axis), 0);

    private Value Normal(Value x)
    {
        var centred = x - b.ReduceMean(x, [-1]);
        var variance = b.ReduceMean(centred * centred, [-1]);
        return centred / b.Op("Sqrt", variance + b.Scalar(1e-5f));
    }

    private Value Constant(params long[] dims) => b.Parameter("constant", weights.Around(1, 0.1f, dims));
}
