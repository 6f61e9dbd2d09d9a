using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>
/// A small denoiser around a part under test: convolution, time embedding added, the part, convolution. The part gets
/// 16 channels of 8×8 and gives as many back.
/// </summary>
internal sealed record Scaffold
{
    public const int Channels = 16;
    public const int Size = 8;

    private readonly SeededWeights weights = new(5);

    public long Opset { get; init; } = 17;

    public NameStyle Style { get; init; }

    public Dimension Batch { get; init; } = "batch";

    public string SampleName { get; init; } = "sample";

    public string TimestepName { get; init; } = "timestep";

    public ElementType TimestepType { get; init; } = ElementType.Int64;

    public Dimension[] TimestepShape { get; init; } = ["batch"];

    /// <summary>Sizes and symbols that are parted by commas; nothing for a scalar.</summary>
    public static Dimension[] Shape(string text) =>
        [
            .. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(d => long.TryParse(d, out var n) ? (Dimension)n : Dimension.Named(d)),
        ];

    public OnnxTensor Weight(params long[] dims) => weights.Kaiming(dims, 1.3f);

    /// <summary>A weight of the form [K,N], as MatMul takes it.</summary>
    public OnnxTensor Matrix(long rows, long columns) =>
        TensorTransposition.Transpose(weights.Kaiming([columns, rows], 1.3f), null);

    /// <summary>The timestep input of a denoiser that is being built.</summary>
    public Value? Time { get; private set; }

    public OnnxTensor Bias(long count) => weights.Around(0, 0.3f, [count]);

    public OnnxModel Build(Func<GraphBuilder, Value, Value, Value> part)
    {
        var b = new GraphBuilder("denoiser", Opset, Style);
        var x = b.Input(SampleName, ElementType.Float, Batch, 2, Size, Size);
        var t = b.Input(TimestepName, TimestepType, TimestepShape);
        Time = t;
        var embedding = Embedding(b, t);
        Value h;
        using (b.Scope("conv_in"))
        {
            h = b.Conv(
                x,
                b.Parameter("conv_in.weight", Weight(Channels, 2, 3, 3)),
                b.Parameter("conv_in.bias", Bias(Channels)),
                1
            );
        }

        h = b.Silu(h + b.Unsqueeze(embedding, 2, 3));
        using (b.Scope("part"))
        {
            h = part(b, h, embedding);
        }

        using (b.Scope("conv_out"))
        {
            h = b.Conv(
                b.Silu(h),
                b.Parameter("conv_out.weight", Weight(2, Channels, 3, 3)),
                b.Parameter("conv_out.bias", Bias(2)),
                1
            );
        }

        b.Output(h, "noise", ElementType.Float, Batch, 2, Size, Size);
        return b.Build();
    }

    private Value Embedding(GraphBuilder b, Value t)
    {
        using var scope = b.Scope("time");
        var frequencies = Enumerable.Range(0, 8).Select(i => MathF.Pow(10000, -i / 8f)).ToArray();
        var phase =
            b.Reshape(b.Cast(t, ElementType.Float), -1, 1) * b.Constant(OnnxTensor.Of("", frequencies.AsSpan(), 1, 8));
        var waves = b.Concat(1, b.Op("Sin", phase), b.Op("Cos", phase));
        return b.Linear(
            waves,
            b.Parameter("time.weight", Weight(Channels, 16)),
            b.Parameter("time.bias", Bias(Channels))
        );
    }
}
