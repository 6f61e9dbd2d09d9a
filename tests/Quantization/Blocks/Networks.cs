using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Tests.Generality;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>Small networks of the families that are met in files, in the form that passes see them in.</summary>
internal static class Networks
{
    public const string Sample = "sample";
    public const string Timestep = "timestep";

    /// <summary>Each network by name, with a graph of its own for each call.</summary>
    public static IReadOnlyDictionary<string, Func<OnnxGraph>> All { get; } =
        new Dictionary<string, Func<OnnxGraph>>
        {
            ["ddpm"] = () => Normal(DdpmUNet.Build(DdpmUNetSettings.Tiny)),
            ["ddpm-half"] = () => Normal(DdpmUNet.Build(DdpmUNetSettings.Tiny with { HalfPrecision = true })),
            ["ddpm-numbered"] = () =>
                Normal(DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = NameStyle.Numbered })),
            ["diffusers-unet"] = () => DiffusersUNet(),
            ["diffusers-unet-decomposed"] = () => DiffusersUNet(decomposed: true),
            ["vae-decoder"] = VaeDecoder,
            ["dit"] = () => Normal(new Transformer(new()).Build()),
            ["dit-decomposed"] = () =>
                Normal(new Transformer(new() { DecomposedNorm = true, TanhGelu = true }).Build()),
            ["dit-flat"] = () => Normal(new Transformer(new() { FlatLinears = true }).Build()),
            ["mmdit"] = () => Mmdit(),
            ["parallel"] = Parallel,
            ["global-residual"] = GlobalResidual,
            ["adapters"] = Adapters,
            ["masked"] = Masked,
            ["sample-model"] = SampleModel,
        };

    public static OnnxGraph Normal(OnnxModel model)
    {
        NormalizeGraph.Apply(model);
        return model.Graph;
    }

    /// <summary>The input of a network's stream: the sample, by whichever name.</summary>
    public static string SampleOf(OnnxGraph graph) => graph.Inputs[0].Name;

    /// <summary>The model of the sample app.</summary>
    public static OnnxGraph SampleModel() =>
        Normal(OnnxModel.Load(Path.Combine(Snapshot.Root, "samples/ImageApp/Models/ddpm-fashion/unet/model.onnx")));

    /// <summary>Down, middle with a spatial transformer of two blocks, up with joined channels; text beside the sample.</summary>
    public static OnnxGraph DiffusersUNet(NameStyle style = NameStyle.Scoped, bool decomposed = false)
    {
        var (b, parts, x, t) = Start(style, decomposed);
        var text = b.Input("encoder_hidden_states", ElementType.Float, "batch", 5, NetworkParts.Width);
        var time = parts.Time(t);
        var h = parts.Conv("conv_in", x);
        var skip = h;
        h = parts.Residual("down_blocks.0/resnets.0", h, time);
        h = parts.SpatialTransformer("mid_block/attentions.0", h, text, 2);
        h = parts.Residual("mid_block/resnets.1", h, time);
        h = parts.Residual("up_blocks.0/resnets.0", b.Concat(1, h, skip), time, 2 * NetworkParts.Width);
        return End(b, parts.Conv("conv_out", b.Silu(parts.GroupNorm(h))));
    }

    /// <summary>Residual blocks, attention on pixels, enlargement; no time.</summary>
    public static OnnxGraph VaeDecoder()
    {
        var b = new GraphBuilder();
        var parts = new NetworkParts(b);
        var h = parts.Conv("conv_in", b.Input("latent_sample", ElementType.Float, "batch", 8, 8, 8));
        h = parts.Residual("mid_block/resnets.0", h, null);
        h = parts.PixelAttention("mid_block/attentions.0", h);
        h = parts.Residual("mid_block/resnets.1", h, null);
        h = parts.Conv("upsamplers.0/conv", b.UpsampleNearest(h));
        h = parts.Residual("up_blocks.0/resnets.0", h, null);
        return End(b, parts.Conv("conv_out", b.Silu(parts.GroupNorm(h))), 16);
    }

    /// <summary>Image and text as two streams with one attention, as in SD3; the last block leaves the text.</summary>
    public static OnnxGraph Mmdit(NameStyle style = NameStyle.Scoped)
    {
        var (b, parts, image, t) = Start(style);
        var text = b.Input("encoder_hidden_states", ElementType.Float, "batch", 5, NetworkParts.Width);
        var time = b.Silu(parts.Time(t));
        var x = parts.Tokens(parts.Conv("pos_embed/proj", image));
        var c = parts.Linear("context_embedder", text);
        for (var i = 0; i < 3; i++)
        {
            using var scope = b.Scope($"transformer_blocks.{i}");
            var m = Modulation(b, parts, "norm1", time, 6);
            var n = Modulation(b, parts, "norm1_context", time, 6);
            var (own, other) = (Modulate(b, parts, x, m[0], m[1]), Modulate(b, parts, c, n[0], n[1]));
            var (q, k, v) = (
                Join(b, parts.Linear("to_q", own), parts.Linear("add_q_proj", other)),
                Join(b, parts.Linear("to_k", own), parts.Linear("add_k_proj", other)),
                Join(b, parts.Linear("to_v", own), parts.Linear("add_v_proj", other))
            );
            var mixed = parts.Unheads(parts.Mix(parts.Heads(q), parts.Heads(k), parts.Heads(v)));
            var first = b.Op("Slice", mixed, b.Constant(0), b.Constant(64), b.Constant(1));
            x += m[2] * parts.Linear("to_out", first);
            x += m[5] * parts.FeedForward("ff", Modulate(b, parts, x, m[3], m[4]));
            if (i < 2)
            {
                var rest = b.Op("Slice", mixed, b.Constant(64), b.Constant(69), b.Constant(1));
                c += n[2] * parts.Linear("to_add_out", rest);
                c += n[5] * parts.FeedForward("ff_context", Modulate(b, parts, c, n[3], n[4]));
            }
        }

        return End(b, parts.Conv("conv_out", parts.Image(x, image)));
    }

    /// <summary>Attention and feed-forward network beside each other, as in ViT-22B; and a RoPE.</summary>
    public static OnnxGraph Parallel()
    {
        var (b, parts, image, t) = Start();
        var x = parts.Tokens(parts.Conv("proj", image)) + b.Unsqueeze(parts.Time(t), 1);
        for (var i = 0; i < 2; i++)
        {
            using var scope = b.Scope($"blocks.{i}");
            var h = parts.LayerNorm(x);
            Value Turn(Value v)
            {
                var half = b.Node("Split", [v], 2, [("axis", -1L)]);
                return (v * b.Scalar(0.6f)) + (b.Concat(-1, -half[1], half[0]) * b.Scalar(0.8f));
            }

            var (q, k) = (Turn(parts.Heads(parts.Linear("q", h))), Turn(parts.Heads(parts.Linear("k", h))));
            var mixed = parts.Mix(q, k, parts.Heads(parts.Linear("v", h)));
            x = x + parts.Linear("out", parts.Unheads(mixed)) + parts.FeedForward("ff", h);
        }

        return End(b, parts.Conv("conv_out", parts.Image(x, image)));
    }

    /// <summary>A residual around the whole network, as for v-prediction inside of the graph, and one around half of it.</summary>
    public static OnnxGraph GlobalResidual()
    {
        var (b, parts, x, t) = Start();
        var time = parts.Time(t);
        var h = parts.Conv("conv_in", x);
        var first = h;
        h = parts.Residual("blocks.0", h, time);
        h = parts.Residual("blocks.1", h, time);
        h = parts.Conv("conv_mid", h) + first;
        h = parts.Residual("blocks.2", h, time);
        return End(b, x - (parts.Conv("conv_out", b.Silu(h)) * b.Scalar(0.5f)));
    }

    /// <summary>A transformer whose projections have low-rank adapters beside them.</summary>
    public static OnnxGraph Adapters()
    {
        var (b, parts, image, t) = Start();
        var x = parts.Tokens(parts.Conv("proj", image)) + b.Unsqueeze(parts.Time(t), 1);
        Value Adapted(string name, Value v, int to = NetworkParts.Width, int from = NetworkParts.Width) =>
            parts.Linear(name, v, to, from)
            + (parts.Linear($"{name}.up", parts.Linear($"{name}.down", v, 2, from), to, 2) * b.Scalar(0.7f));

        var h = parts.LayerNorm(x);
        var (q, k, u) = (Adapted("q", h), Adapted("k", h), Adapted("v", h));
        x += Adapted("out", parts.Unheads(parts.Mix(parts.Heads(q), parts.Heads(k), parts.Heads(u))));
        x += Adapted("ff.2", parts.Gelu(Adapted("ff.0", parts.LayerNorm(x), 32)), from: 32);
        return End(b, parts.Conv("conv_out", parts.Image(x, image)));
    }

    /// <summary>Attentions without feed-forward networks, with one mask as large as tokens for both.</summary>
    public static OnnxGraph Masked()
    {
        var (b, parts, image, t) = Start();
        var mask = b.Input("attention_mask", ElementType.Float, "batch", 1, 64) * b.Scalar(-10000f);
        var x = parts.Tokens(parts.Conv("proj", image)) + b.Unsqueeze(parts.Time(t), 1);
        for (var i = 0; i < 2; i++)
        {
            using var scope = b.Scope($"blocks.{i}");
            var h = parts.LayerNorm(x);
            var scores = b.MatMul(parts.Linear("q", h), b.Transpose(parts.Linear("k", h), 0, 2, 1)) + mask;
            x += parts.Linear("out", b.MatMul(b.Softmax(scores), parts.Linear("v", h)));
        }

        return End(b, parts.Conv("conv_out", parts.Image(x, image)));
    }

    private static (GraphBuilder B, NetworkParts Parts, Value Sample, Value Timestep) Start(
        NameStyle style = NameStyle.Scoped,
        bool decomposed = false
    )
    {
        var b = new GraphBuilder("network", 17, style);
        var x = b.Input(Sample, ElementType.Float, "batch", NetworkParts.Width, 8, 8);
        var t = b.Input(Timestep, ElementType.Int64, "batch");
        return (b, new(b) { DecomposedNorms = decomposed }, x, t);
    }

    private static OnnxGraph End(GraphBuilder b, Value result, int size = 8)
    {
        b.Output(result, "out_sample", ElementType.Float, "batch", NetworkParts.Width, size, size);
        return Normal(b.Build());
    }

    private static Value Join(GraphBuilder b, Value image, Value text) => b.Concat(1, image, text);

    private static Value[] Modulation(GraphBuilder b, NetworkParts parts, string name, Value time, int count)
    {
        var all = b.Unsqueeze(parts.Gemm($"{name}/linear", time, count * NetworkParts.Width), 1);
        return [.. b.Node("Split", [all], count, [("axis", -1L)])];
    }

    private static Value Modulate(GraphBuilder b, NetworkParts parts, Value x, Value shift, Value scale) =>
        (parts.LayerNorm(x) * (scale + b.Scalar(1f))) + shift;
}
