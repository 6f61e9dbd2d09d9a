namespace DiffusionQuant.Onnx;

/// <summary>Changes in which precision a graph computes or keeps its weights.</summary>
public static class FloatPrecision
{
    // Below that a constant is no weight, and a node to convert it costs as much as it saves.
    private const int LeastElements = 64;
    private const int FloatCode = (int)ElementType.Float;

    /// <summary>A copy that computes in float32 what the model computes in float16 or bfloat16: inputs, outputs, constants and
    /// conversions.</summary>
    /// <param name="model">The model; not changed.</param>
    public static OnnxModel ToFloat32(OnnxModel model)
    {
        var copy = model.Clone();
        copy.InlineFunctions();
        Widen(copy.Graph);
        return copy;
    }

    /// <summary>A copy that keeps its float32 weights as float16 and computes as before: half the size, and no overflow.
    /// Weights beyond float16's range stay.</summary>
    /// <param name="model">The model; not changed.</param>
    public static OnnxModel StoreHalf(OnnxModel model)
    {
        var copy = model.Clone();
        copy.InlineFunctions();
        var graph = copy.Graph;
        var editor = new GraphEditor(graph);
        var outputs = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in graph.Initializers.Values.Where(IsWeight).ToArray())
        {
            if (outputs.Contains(tensor.Name) || Half(tensor) is not { } half)
            {
                continue;
            }

            graph.Initializers.Remove(tensor.Name);
            graph.Inputs.RemoveAll(i => i.Name == tensor.Name);
            editor.NodeTo(
                tensor.Name,
                "Cast",
                [editor.Constant(half.WithName($"{tensor.Name}_half"))],
                ("to", FloatCode)
            );
        }

        graph.SortTopologically();
        return copy;
    }

    private static bool IsWeight(OnnxTensor tensor) =>
        tensor.ElementType == ElementType.Float && tensor.ElementCount >= LeastElements;

    private static OnnxTensor? Half(OnnxTensor tensor)
    {
        var values = Array.ConvertAll(tensor.ToFloats().ToArray(), v => (Half)v);
        return Array.TrueForAll(values, System.Half.IsFinite)
            ? new(
                tensor.Name,
                ElementType.Float16,
                tensor.Dims,
                System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray()
            )
            : null;
    }

    private static void Widen(OnnxGraph graph)
    {
        foreach (var tensor in graph.Initializers.Values.Where(t => IsNarrow(t.ElementType)).ToArray())
        {
            graph.Initializers[tensor.Name] = Widened(tensor);
        }

        foreach (var values in new[] { graph.Inputs, graph.Outputs })
        {
            for (var i = 0; i < values.Count; i++)
            {
                if (IsNarrow(values[i].ElementType))
                {
                    values[i] = values[i] with { ElementType = ElementType.Float };
                }
            }
        }

        // They say what was; the runtime infers what is.
        graph.ValueInfos.Clear();
        foreach (var node in graph.Nodes)
        {
            foreach (var (name, value) in node.Attributes.ToArray())
            {
                node.Attributes[name] = Widened(name, value);
            }
        }
    }

    private static AttributeValue Widened(string name, AttributeValue value)
    {
        switch (value)
        {
            // Cast's "to", and "dtype" of what makes numbers.
            case AttributeValue.Int { Value: var code }
                when name is "to" or "dtype" or "output_dtype" or "stash_type" && IsNarrow((ElementType)code):
                return (long)FloatCode;
            case AttributeValue.Tensor { Value: var tensor } when IsNarrow(tensor.ElementType):
                return new AttributeValue.Tensor(Widened(tensor));
            case AttributeValue.Graph { Value: var inner }:
                Widen(inner);
                return value;
            case AttributeValue.Graphs { Values: var several }:
                foreach (var graph in several)
                {
                    Widen(graph);
                }

                return value;
            default:
                return value;
        }
    }

    private static OnnxTensor Widened(OnnxTensor tensor) =>
        OnnxTensor.Of(tensor.Name, tensor.ToFloats().Span, tensor.Dims);

    private static bool IsNarrow(ElementType type) => type is ElementType.Float16 or ElementType.BFloat16;
}
