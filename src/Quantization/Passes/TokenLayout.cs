using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Values of a graph in the layout [N,H·W,C], and operators on them; see <see cref="ChannelsLast"/>.</summary>
internal sealed class TokenLayout(OnnxGraph graph, GraphEditor editor)
{
    private const string Suffix = "_tokens";

    /// <summary>Values that are or can be had in the layout; null for those that were not asked for yet.</summary>
    private readonly Dictionary<string, string?> tokens = new(StringComparer.Ordinal);

    /// <summary>The shape before the rewriting; values that it makes have other names.</summary>
    private readonly Dictionary<string, TensorShape?> shapes = new(StringComparer.Ordinal);

    /// <summary>Whether a value is an image of floats whose channels, height and width are known.</summary>
    public bool IsImage(string value) =>
        ShapeOf(value) is { Rank: 4 } shape
        && shape.Skip(1).All(d => d.IsKnown)
        && graph.TypeOf(value) is ElementType.Float or ElementType.Float16;

    /// <summary>Lets readers have a value in the layout that a node makes as [N,C,H,W].</summary>
    public void Offer(string value) => tokens.TryAdd(value, null);

    /// <summary>Whether readers can have a value in the layout.</summary>
    public bool Has(string value) => tokens.ContainsKey(value);

    /// <summary>Says that a value in the layout stands for another one that is [N,C,H,W].</summary>
    public void Set(string value, string inLayout) => tokens[value] = inLayout;

    /// <summary>Writes a node in the layout if it can be, and if one of its inputs has it.</summary>
    public bool TryConvert(OnnxNode node)
    {
        if (node.Domain.Length > 0 || node.Outputs.Count != 1 || !node.Inputs.Exists(tokens.ContainsKey))
        {
            return false;
        }

        var output = node.Outputs[0];
        switch (node.OpType)
        {
            case "Add" or "Sub" or "Mul" or "Div" when IsImage(output):
                var operands = node.Inputs.ConvertAll(i => Operand(i, output));
                return !operands.Contains(null) && Write(node, operands!);
            case "Sigmoid"
            or "Tanh"
            or "Relu"
            or "LeakyRelu"
            or "Elu"
            or "Erf"
            or "Gelu"
            or "Softplus"
            or "HardSigmoid"
            or "HardSwish"
            or "Neg"
            or "Abs"
            or "Exp"
            or "Sqrt"
            or "Reciprocal"
            or "Cast" when IsImage(output):
                return Write(node, [Of(node.Inputs[0])]);
            case "Concat" when IsImage(output) && node.Int("axis") is 1 or -3 && node.Inputs.TrueForAll(IsImage):
                return Write(node, node.Inputs.ConvertAll(Of), ("axis", 2L));
            case "ReduceMean" when node.Int("keepdims", 1) == 0 && IsImage(node.Inputs[0]) && IsOverPixels(node):
                return WriteMean(node);
            default:
                return false;
        }
    }

    /// <summary>Makes a value as [N,C,H,W] again, under its own name.</summary>
    public void Restore(string value)
    {
        // Means over all pixels have no layout; they are written under their own name.
        if (tokens.GetValueOrDefault(value) is not { } source)
        {
            return;
        }

        var shape = ShapeOf(value)!;
        var image = editor.Node(
            "Reshape",
            $"{value}_channels_last",
            [source, editor.Integers([0, shape[2].Value!.Value, shape[3].Value!.Value, shape[1].Value!.Value])]
        );
        editor.NodeTo(value, "Transpose", [image], ("perm", new long[] { 0, 3, 1, 2 }));
    }

    /// <summary>A value's shape before the rewriting.</summary>
    public TensorShape? ShapeOf(string value)
    {
        if (!shapes.TryGetValue(value, out var shape))
        {
            shapes[value] = shape = graph.ShapeOf(value);
        }

        return shape;
    }

    /// <summary>A value in the layout.</summary>
    public string Of(string value)
    {
        if (tokens.GetValueOrDefault(value) is { } known)
        {
            return known;
        }

        var last = editor.Node("Transpose", $"{value}_channels_last", [value], ("perm", new long[] { 0, 2, 3, 1 }));
        var shape = ShapeOf(value)!;
        var name = editor.Node(
            "Reshape",
            value + Suffix,
            [last, editor.Integers([0, shape[2].Value!.Value * shape[3].Value!.Value, shape[1].Value!.Value])]
        );
        tokens[value] = name;
        return name;
    }

    /// <summary>An operand of arithmetic on images, in the layout; null when it has no form there.</summary>
    private string? Operand(string value, string output)
    {
        var shape = ShapeOf(value);
        if (shape is null)
        {
            return null;
        }

        if (shape.All(d => d.Value == 1) && shape.Rank <= 3)
        {
            return value;
        }

        if (Shapes.Same(shape, ShapeOf(output)))
        {
            return Of(value);
        }

        var channels = ShapeOf(output)![1].Value!.Value;
        var isPerChannel =
            shape.Rank is 3 or 4
            && shape[^3].Value is { } size
            && (size == channels || size == 1)
            && shape[^2].Value == 1
            && shape[^1].Value == 1;
        return isPerChannel ? PerChannel(value, shape) : null;
    }

    /// <summary>[N,C,1,1] or [C,1,1] as [N,1,C].</summary>
    private string PerChannel(string value, TensorShape shape)
    {
        var channels = shape[^3].Value!.Value;
        if (graph.Initializers.TryGetValue(value, out var constant))
        {
            var batch = shape.Rank == 4 ? constant.Dims[0] : 1;
            return editor.Shared(value + Suffix, n => constant.WithDims(batch, 1, channels).WithName(n));
        }

        if (tokens.GetValueOrDefault(value) is { } known)
        {
            return known;
        }

        // Behind other nodes that only insert ones, this one can read what these read.
        var source = value;
        while (
            shape.Rank == 4
            && graph.Nodes.Find(n => n.Outputs.Contains(source)) is { } producer
            && (producer.Is("Reshape") || producer.Is("Unsqueeze"))
            && ShapeOf(producer.Inputs[0]) is { Rank: > 1 } before
            && Shapes.Same(before[0], shape[0])
        )
        {
            source = producer.Inputs[0];
        }

        long[] target = [shape.Rank == 4 ? 0 : 1, 1, channels];
        return tokens[value] = editor.Node("Reshape", value + Suffix, [source, editor.Integers(target)]);
    }

    private bool Write(OnnxNode node, List<string> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes)
    {
        var output = editor.Unique(node.Outputs[0] + Suffix);
        var copy = new OnnxNode(node.OpType, inputs, [output], output);
        foreach (var (name, value) in node.Attributes)
        {
            copy.Attributes[name] = value;
        }

        foreach (var (name, value) in attributes)
        {
            copy.Attributes[name] = value;
        }

        copy.Metadata.AddRange(node.Metadata);
        graph.Nodes.Add(copy);
        tokens[node.Outputs[0]] = output;
        return true;
    }

    /// <summary>
    /// Means over pixels as a product with a row of 1 / (H·W): ONNX Runtime's ReduceMean of one image's rows takes up to
    /// ten times as long.
    /// </summary>
    private bool WriteMean(OnnxNode node)
    {
        var (input, output) = (node.Inputs[0], node.Outputs[0]);
        var shape = ShapeOf(input)!;
        var pixels = (int)(shape[2].Value!.Value * shape[3].Value!.Value);
        var weights = editor.Shared(
            $"mean_of_{pixels}_{graph.TypeOf(input)}".ToLowerInvariant(),
            n => MeanWeights(n, pixels, graph.TypeOf(input))
        );
        var means = editor.Unique(output + Suffix);
        var product = new OnnxNode("MatMul", [weights, Of(input)], [means], means);
        product.Metadata.Add(new(LayerAnalysis.AuxiliaryKey, ""));
        graph.Nodes.Add(product);

        // [N,1,C] instead of [N,C] is no difference to a Reshape that keeps the first dimension only.
        var readers = graph.Nodes.Where(n => n.Inputs.Contains(output)).ToArray();
        if (!graph.Outputs.Exists(o => o.Name == output) && Array.TrueForAll(readers, KeepsFirstOnly))
        {
            graph.RedirectReaders(output, means);
        }
        else
        {
            editor.NodeTo(output, "Reshape", [means, editor.Integers([0, -1])]);
        }

        return true;

        bool KeepsFirstOnly(OnnxNode reader) =>
            reader.Is("Reshape")
            && reader.Int("allowzero") == 0
            && graph.Initializers.TryGetValue(reader.Inputs[1], out var target)
            && target.ToInt64s() is [0, .. var rest]
            && !rest.Contains(0);
    }

    private static OnnxTensor MeanWeights(string name, int pixels, ElementType type)
    {
        var values = new float[pixels];
        Array.Fill(values, 1f / pixels);
        return FloatTensors.Of(name, type, values, 1, pixels);
    }

    private bool IsOverPixels(OnnxNode node)
    {
        var axes =
            node.Ints("axes")
            ?? (node.Input(1) is { } input && graph.Initializers.TryGetValue(input, out var t) ? t.ToInt64s() : null);
        return axes is not null && axes.Select(a => a < 0 ? a + 4 : a).Order().SequenceEqual([2, 3]);
    }
}
