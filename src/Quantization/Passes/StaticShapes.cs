using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Replaces what a graph computes from shapes that are known: sizes become constants, and the target of a Reshape becomes
/// 0 for what is kept, numbers, and −1 for at most one that only the input tells. Exporters write six to twenty nodes for
/// such a shape, each of which costs as much as a small layer when images are few.
/// </summary>
public static class StaticShapes
{
    /// <summary>Replaces known shapes in a model in place.</summary>
    /// <param name="model">The model; its constants are initializers.</param>
    /// <returns>The number of replaced values.</returns>
    public static int Apply(OnnxModel model)
    {
        ShapeInferrer.Infer(model);
        var graph = model.Graph;
        var index = new GraphIndex(graph);
        var editor = new GraphEditor(graph);
        var count = 0;
        foreach (var node in graph.Nodes.ToArray())
        {
            if (node.Is("Reshape") && Target(graph, node) is { } target)
            {
                node.Inputs[1] = editor.Integers(target);

                // In the target −1 and 0 mean what they mean without this.
                node.Attributes.Remove("allowzero");
                count++;
            }
            else if (Sizes(graph, index, node) is { } sizes && !index.IsOutput(node.Outputs[0]))
            {
                graph.Nodes.Remove(node);
                graph.Add(sizes.WithName(node.Outputs[0]));
                count++;
            }
        }

        if (count > 0)
        {
            graph.RemoveUnused();
            ConstantFolder.Fold(model);
        }

        return count;
    }

    /// <summary>The target of a Reshape whose target is computed, if it can be written down.</summary>
    private static long[]? Target(OnnxGraph graph, OnnxNode reshape)
    {
        if (
            graph.Initializers.ContainsKey(reshape.Inputs[1])
            || graph.ShapeOf(reshape.Inputs[0]) is not { } from
            || graph.ShapeOf(reshape.Outputs[0]) is not { } to
            || to.Any(d => d.Value == 0)
        )
        {
            return null;
        }

        var target = new long[to.Rank];
        var open = 0;
        for (var i = 0; i < target.Length; i++)
        {
            target[i] =
                to[i].Value is { } size ? size
                : i < from.Rank && Shapes.Same(from[i], to[i]) ? 0
                : -1;
            open += target[i] < 0 ? 1 : 0;
        }

        return open <= 1 ? target : null;
    }

    /// <summary>What a Shape, or a Gather from one, gives, if it is known.</summary>
    private static OnnxTensor? Sizes(OnnxGraph graph, GraphIndex index, OnnxNode node)
    {
        if (node.Is("Shape") && Slice(graph, node) is { } sizes && sizes.All(d => d.IsKnown))
        {
            return OnnxTensor.Of("", sizes.Select(d => d.Value!.Value).ToArray().AsSpan(), sizes.Count);
        }

        return
            node.Is("Gather")
            && index.Producer(node.Inputs[0]) is { } shape
            && shape.Is("Shape")
            && Slice(graph, shape) is { } all
            && graph.Initializers.TryGetValue(node.Inputs[1], out var at)
            && at.ToInt64s() is [var i]
            && Math.Abs(i) < all.Count
            && all[(int)(i < 0 ? i + all.Count : i)].Value is { } size
            ? OnnxTensor.Of("", [size], at.Dims)
            : null;
    }

    /// <summary>The dimensions that a Shape node gives.</summary>
    private static IReadOnlyList<Dimension>? Slice(OnnxGraph graph, OnnxNode shape)
    {
        if (graph.ShapeOf(shape.Inputs[0]) is not { } dimensions)
        {
            return null;
        }

        int Position(long value) => (int)Math.Clamp(value < 0 ? value + dimensions.Rank : value, 0, dimensions.Rank);

        var start = Position(shape.Int("start"));
        var end = Position(shape.Int("end", dimensions.Rank));
        return [.. dimensions.Skip(start).Take(Math.Max(end - start, 0))];
    }
}
