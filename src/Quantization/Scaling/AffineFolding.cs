using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Takes factors of channels into the scale and shift of a normalization that makes the value.</summary>
internal static class AffineFolding
{
    /// <summary>Folds factors into the node, or the multiplication and addition, before a value that only layers read.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="input">The value and its readers.</param>
    /// <param name="factors">One per channel.</param>
    /// <returns>Whether there was something to fold into; if not, nothing has changed.</returns>
    public static bool TryFold(GraphEditor editor, ScaledInput input, float[] factors)
    {
        var index = new GraphIndex(editor.Graph);
        var readers = input.Readers.Select(r => r.Layer.Name).ToHashSet(StringComparer.Ordinal);
        if (
            index.IsOutput(input.Value)
            || !index.Consumers(input.Value).All(c => readers.Contains(c.Name))
            || index.Producer(input.Value) is not { } maker
            || editor.Graph.ShapeOf(input.Value) is not { } shape
        )
        {
            return false;
        }

        var axis = input.ChannelAxis(shape.Rank);
        (OnnxNode Node, int Input)[] parameters = maker.OpType switch
        {
            "InstanceNormalization" or "GroupNormalization" when axis == 1 => [(maker, 1), (maker, 2)],
            "LayerNormalization" or "RMSNormalization" when axis == shape.Rank - 1 => maker.Input(2) is null
                ? [(maker, 1)]
                : [(maker, 1), (maker, 2)],
            "Add" => ScaleAndShift(index, maker, value => IsPerChannel(editor.Graph, value, shape.Rank, axis, factors)),
            _ => [],
        };
        if (
            parameters.Length == 0
            || !Array.TrueForAll(parameters, p => ElementsOf(editor.Graph, p.Node.Inputs[p.Input]) == factors.Length)
        )
        {
            return false;
        }

        foreach (var (node, place) in parameters)
        {
            // Other nodes may share the constant, so it is not changed itself.
            var constant = editor.Graph.Initializers[node.Inputs[place]];
            var values = constant.ToFloats().ToArray();
            System.Numerics.Tensors.TensorPrimitives.Multiply(values, factors, values);
            node.Inputs[place] = editor.Constant(constant.WithFloats(values));
        }

        return true;
    }

    /// <summary>The constants of x · γ + β, or none.</summary>
    private static (OnnxNode Node, int Input)[] ScaleAndShift(GraphIndex index, OnnxNode add, Func<string, bool> fits)
    {
        foreach (var shift in Enumerable.Range(0, 2).Where(i => fits(add.Inputs[i])))
        {
            var scaled = add.Inputs[1 - shift];
            if (
                index.Producer(scaled) is { } product
                && product.Is("Mul")
                && index.Consumers(scaled).Count == 1
                && !index.IsOutput(scaled)
            )
            {
                foreach (var scale in Enumerable.Range(0, 2).Where(i => fits(product.Inputs[i])))
                {
                    return [(product, scale), (add, shift)];
                }
            }
        }

        return [];
    }

    private static long ElementsOf(OnnxGraph graph, string value) =>
        graph.Initializers.TryGetValue(value, out var constant) ? constant.ElementCount : 0;

    /// <summary>Whether a value is a constant that broadcasts along the channels of another of the given rank.</summary>
    private static bool IsPerChannel(OnnxGraph graph, string value, int rank, int axis, float[] factors)
    {
        if (!graph.Initializers.TryGetValue(value, out var constant) || constant.ElementCount != factors.Length)
        {
            return false;
        }

        var own = axis - (rank - constant.Rank);
        return own >= 0 && constant.Dims[own] == factors.Length;
    }
}
