using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>Writes the operators of derivatives, in the form that the model's opset wants.</summary>
/// <param name="model">The model that is extended.</param>
/// <param name="editor">Its editor.</param>
public sealed class GradientWriter(OnnxModel model, GraphEditor editor)
{
    /// <summary>The model's opset.</summary>
    public long Opset => model.Opset;

    /// <summary>Takes the model to an opset whose operators a derivative needs, where its own is an earlier one.</summary>
    public void RequireOpset(long opset) => OpsetRaising.Raise(model, opset);

    /// <summary>Adds nodes and constants.</summary>
    public GraphEditor Editor => editor;

    /// <summary>The sizes of a value of the forward graph.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4031: they are not all known.</exception>
    public long[] ShapeOf(string value) =>
        editor.Graph.Find(value)?.Shape is { IsStatic: true } shape
            ? shape.ToStatic()
            : throw GradientErrors.ShapeUnknown(value, editor.Graph.Find(value)?.Shape?.ToString());

    /// <summary>The element type of a value of the forward graph.</summary>
    public ElementType TypeOf(string value) =>
        editor.Graph.Find(value) is { ElementType: not ElementType.Undefined } info
            ? info.ElementType
            : ElementType.Float;

    /// <summary>The constant behind a value, or null.</summary>
    public OnnxTensor? Constant(string? value) => value is null ? null : new GraphIndex(editor.Graph).Constant(value);

    /// <summary>The node that makes a value, or null.</summary>
    public OnnxNode? Producer(string value) => editor.Graph.Nodes.Find(n => n.Outputs.Contains(value));

    /// <summary>Adds a node of one output.</summary>
    public string Op(string opType, params ReadOnlySpan<string> inputs) =>
        editor.Node(opType, $"{inputs[0]}_{opType}_grad", inputs.ToArray());

    /// <summary>Adds a node of one output with attributes.</summary>
    public string Op(
        string opType,
        string[] inputs,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    ) => editor.Node(opType, $"{inputs[0]}_{opType}_grad", inputs, attributes);

    /// <summary>Lets a value written here stand for the output of a node, which goes.</summary>
    public void Replace(OnnxNode node, string value)
    {
        editor.Graph.Nodes.Remove(node);
        editor.NodeTo(node.Outputs[0], "Identity", [value]);
    }

    /// <summary>A constant number of a floating-point type.</summary>
    public string Number(double value, ElementType type = ElementType.Float) =>
        editor.Shared($"number_{type}_{value:R}", n => Tensor(n, value, type, []));

    /// <summary>A constant tensor of one number.</summary>
    public string Filled(double value, long[] dims, ElementType type = ElementType.Float) =>
        dims.Length == 0
            ? Number(value, type)
            : editor.Shared($"filled_{type}_{value:R}_{string.Join('x', dims)}", n => Tensor(n, value, type, dims));

    /// <summary>A constant vector of int64 numbers: a shape, axes.</summary>
    public string Integers(params long[] values) => editor.Integers(values);

    /// <summary>The same elements with other sizes.</summary>
    public string Reshape(string value, params long[] dims) => Op("Reshape", value, Integers(dims));

    /// <summary>Permutes dimensions.</summary>
    public string Transpose(string value, params long[] perm) => Op("Transpose", [value], ("perm", perm));

    /// <summary>The sum over axes.</summary>
    public string ReduceSum(string value, long[] axes, bool keepDimensions = true) =>
        axes.Length == 0 ? value : Op("ReduceSum", [value, Integers(axes)], ("keepdims", keepDimensions ? 1L : 0L));

    /// <summary>The mean over axes, which stay with size 1.</summary>
    public string ReduceMean(string value, long[] axes) => Reduce("ReduceMean", value, axes);

    /// <summary>A reduction over axes, which stay with size 1, by an operator whose axes are an input from opset 18 on.</summary>
    public string Reduce(string opType, string value, long[] axes) =>
        axes.Length == 0 ? value
        : Opset < 18 ? Op(opType, [value], ("axes", axes))
        : Op(opType, value, Integers(axes));

    /// <summary>A slice along one axis.</summary>
    public string Slice(string value, long axis, long start, long end, long step = 1) =>
        Op("Slice", value, Integers(start), Integers(end), Integers(axis), Integers(step));

    /// <summary>A value with zeros around it.</summary>
    /// <param name="value">The value.</param>
    /// <param name="pads">Begin of every axis, then end of every axis; negative numbers crop.</param>
    public string Pad(string value, params long[] pads) =>
        Array.TrueForAll(pads, p => p == 0) ? value : Op("Pad", value, Integers(pads));

    /// <summary>A conversion to another element type.</summary>
    public string Cast(string value, ElementType from, ElementType to) =>
        editor.Cast(value, from, to, $"{value}_cast_grad");

    /// <summary>Sums a gradient over the dimensions along which a value was repeated by broadcasting.</summary>
    /// <param name="gradient">A gradient of the broadcast shape.</param>
    /// <param name="from">That shape.</param>
    /// <param name="to">The value's own shape.</param>
    public string Unbroadcast(string gradient, long[] from, long[] to)
    {
        if (from.AsSpan().SequenceEqual(to))
        {
            return gradient;
        }

        var lead = from.Length - to.Length;
        long[] axes =
        [
            .. Enumerable
                .Range(0, from.Length)
                .Where(i => i < lead || (to[i - lead] == 1 && from[i] != 1))
                .Select(i => (long)i),
        ];
        var isWhole = from.Length > 1 && axes.Length == from.Length;

        // A sum over everything in two steps: ONNX Runtime adds up millions of elements one by one, and loses digits.
        var summed = ReduceSum(isWhole ? ReduceSum(gradient, axes[1..]) : gradient, isWhole ? [0] : axes);
        return lead == 0 ? summed : Reshape(summed, to);
    }

    private static OnnxTensor Tensor(string name, double value, ElementType type, long[] dims)
    {
        var count = dims.Aggregate(1L, (a, b) => a * b);
        var bytes = new byte[type.ByteSize(count)];
        switch (type)
        {
            case ElementType.Float:
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan()).Fill((float)value);
                break;
            case ElementType.Double:
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes.AsSpan()).Fill(value);
                break;
            case ElementType.Float16:
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes.AsSpan()).Fill((Half)value);
                break;
            default:
                throw new ArgumentException($"{type} is not one of Float, Double and Float16.", nameof(type));
        }

        return new(name, type, dims, bytes);
    }
}
