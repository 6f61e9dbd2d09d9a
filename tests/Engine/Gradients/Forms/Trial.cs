using DiffusionQuant.Engine.Tests.Gradients.Reference;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>A graph that a form writes, with the numbers that it is differentiated at.</summary>
internal sealed class Trial
{
    private readonly Dictionary<string, float[]> inputs = [];
    private readonly Queue<int> ranks;
    private const int MostDistinct = 800;

    public Trial(Draw draw, long leastOpset)
    {
        Draw = draw;
        long[] opsets = [13, 17, 18, 20, 21, 23];
        Builder = new(opset: draw.Pick<long>([.. opsets.Where(o => o >= leastOpset)]));
        ranks = new(draw.Shuffled(Enumerable.Range(0, MostDistinct)));
    }

    public Draw Draw { get; }

    public GraphBuilder Builder { get; }

    public IReadOnlyDictionary<string, float[]> Inputs => inputs;

    public Value Op(string opType, params ReadOnlySpan<Value?> arguments) => Builder.Op(opType, arguments);

    public Value Op(
        string opType,
        ReadOnlySpan<Value?> arguments,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    ) => Builder.Op(opType, arguments, attributes);

    /// <summary>An operator of ONNX Runtime's own domain.</summary>
    public Value Microsoft(
        string opType,
        ReadOnlySpan<Value?> arguments,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    ) => Builder.Node(opType, arguments, 1, attributes, "com.microsoft")[0];

    /// <summary>An input of numbers from −1 to 1, none near zero.</summary>
    public Value Input(params long[] dims) => Input(dims, Draw.Numbers(Count(dims)));

    /// <summary>An input of numbers well above zero.</summary>
    public Value Positive(params long[] dims) => Between(0.4, 2, dims);

    public Value Between(double low, double high, params long[] dims) =>
        Input(dims, [.. Enumerable.Range(0, (int)Count(dims)).Select(_ => (float)Draw.Real(low, high))]);

    /// <summary>An input no two of whose numbers are near each other, nor near those of other such inputs.</summary>
    public Value Distinct(params long[] dims) =>
        Input(
            dims,
            [
                .. Enumerable
                    .Range(0, (int)Count(dims))
                    .Select(_ => ((ranks.Dequeue() - (MostDistinct / 2)) * 0.005f) + 0.002f),
            ]
        );

    public Value Input(long[] dims, float[] numbers)
    {
        var name = $"x{inputs.Count}";
        inputs.Add(name, numbers);
        return Builder.Input(name, ElementType.Float, dims.Select(d => (Dimension)d).ToArray());
    }

    public Value Integers(params long[] values) => Builder.Constant(values);

    /// <summary>A constant of integers with any number of dimensions.</summary>
    public Value Integers(long[] dims, long[] values) => Builder.Constant(OnnxTensor.Of("", values.AsSpan(), dims));

    public Value Floats(params float[] values) => Builder.Constant(OnnxTensor.Of("", values.AsSpan(), values.Length));

    public static long Count(long[] dims) => dims.Aggregate(1L, (a, b) => a * b);

    /// <summary>Closes the graph: its loss is the sum of all elements of the values, each times a number.</summary>
    public OnnxModel Close(IReadOnlyList<Value> values)
    {
        var forward = ReferenceGraph.Run(Builder.Graph, Builder.Opset, Doubles());
        var parts = values
            .Select(v =>
            {
                long[] dims = [.. forward[v.Name].Dims.Select(d => (long)d)];
                var weights = Builder.Constant(OnnxTensor.Of("", Draw.Numbers(Count(dims)).AsSpan(), dims));
                return Op("ReduceSum", [v * weights], ("keepdims", 0L));
            })
            .ToArray();
        Builder.Output(parts.Aggregate((a, b) => a + b), "loss", ElementType.Float);
        return Builder.Build();
    }

    /// <summary>The inputs in double precision.</summary>
    public Dictionary<string, NdArray> Doubles() =>
        Builder.Graph.Inputs.ToDictionary(
            i => i.Name,
            i => new NdArray(
                [.. i.Shape!.ToStatic().Select(d => (int)d)],
                Array.ConvertAll(inputs[i.Name], v => (double)v)
            )
        );
}
