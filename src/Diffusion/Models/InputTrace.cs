using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>What becomes of an input in the first nodes behind it: the proof of a timestep or a class label.</summary>
internal sealed record InputTrace
{
    private const int Depth = 12;
    private const double TimestepFactor = 1000;

    // What an embedding does to a timestep before it takes sines; anything else ends the path.
    private static readonly HashSet<string> Passes = new(StringComparer.Ordinal)
    {
        "Add",
        "Cast",
        "Clip",
        "Concat",
        "DequantizeLinear",
        "Div",
        "Einsum",
        "Exp",
        "Expand",
        "Flatten",
        "Floor",
        "Identity",
        "Log",
        "MatMul",
        "Mul",
        "Neg",
        "Pow",
        "QuantizeLinear",
        "Reciprocal",
        "Reshape",
        "Round",
        "Slice",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "Where",
    };

    /// <summary>Whether sine and cosine of it are taken.</summary>
    public bool ReachesSinAndCos { get; private init; }

    /// <summary>Rows of a constant table that it indexes, or null.</summary>
    public int? TableRows { get; private init; }

    /// <summary>Whether it is multiplied by 1000 on the way to the sine.</summary>
    public bool IsMultipliedBy1000 { get; private init; }

    /// <summary>Input channels of the convolution that reads it first, or null.</summary>
    public int? ConvolutionChannels { get; private init; }

    public static InputTrace Of(GraphIndex index, string input)
    {
        bool sin = false,
            cos = false,
            thousand = false;
        int? rows = null,
            channels = null;
        var seen = new HashSet<string>(StringComparer.Ordinal) { input };
        var wave = new List<string> { input };
        for (var depth = 0; depth < Depth && wave.Count > 0; depth++)
        {
            var next = new List<string>();
            foreach (var value in wave)
            {
                foreach (var node in index.Consumers(value))
                {
                    sin |= node.Is("Sin");
                    cos |= node.Is("Cos");
                    rows ??= TableBehind(index, node, value);
                    channels ??= ConvolutionChannelsOf(index, node, value);
                    thousand |= node.Is("Mul") && node.Inputs.Exists(i => IsThousand(index.Constant(i)));
                    if (node.Domain.Length == 0 && Passes.Contains(node.OpType))
                    {
                        next.AddRange(node.Outputs.Where(o => o.Length > 0 && seen.Add(o)));
                    }
                }
            }

            wave = next;
        }

        return new()
        {
            ReachesSinAndCos = sin && cos,
            TableRows = rows,
            IsMultipliedBy1000 = thousand && sin,
            ConvolutionChannels = channels,
        };
    }

    private static int? TableBehind(GraphIndex index, OnnxNode node, string value) =>
        node.Is("Gather")
        && node.Input(1) == value
        && node.Int("axis") == 0
        && ConstantBehind(index, node.Input(0)) is { Rank: 2 } table
            ? (int)table.Dims[0]
            : null;

    private static int? ConvolutionChannelsOf(GraphIndex index, OnnxNode node, string value) =>
        node.Is("Conv") && node.Input(0) == value && ConstantBehind(index, node.Input(1)) is { Rank: 4 } weight
            ? (int)(weight.Dims[1] * node.Int("group", 1))
            : null;

    /// <summary>The constant, also where it is stored quantized.</summary>
    private static OnnxTensor? ConstantBehind(GraphIndex index, string? value)
    {
        const int Most = 4;
        for (var i = 0; i < Most; i++)
        {
            if (index.Constant(value) is { } constant)
            {
                return constant;
            }

            var producer = index.Producer(value);
            value =
                producer is not null && (producer.Is("DequantizeLinear") || producer.Is("Cast"))
                    ? producer.Input(0)
                    : null;
        }

        return null;
    }

    private static bool IsThousand(OnnxTensor? constant) =>
        constant is { ElementCount: 1 }
        && (constant.ElementType.IsFloatingPoint() || constant.ElementType is ElementType.Int32 or ElementType.Int64)
        && constant.ToFloats().Span[0] == TimestepFactor;
}
