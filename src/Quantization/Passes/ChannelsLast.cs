using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Lets the arithmetic between convolutions run on [N,H·W,C] instead of [N,C,H,W]. ONNX Runtime's integer convolutions
/// work channels-last and put transpositions around themselves. It cancels them where it can, but not through normalization
/// and its own fused SiLU, so many are left, half of them on floats. With this pass everything between two convolutions has
/// their layout already, in three dimensions so that no optimizer turns it back. What a model computes does not change.
/// </summary>
/// <remarks>Only for models whose convolutions become integers: float convolutions are faster on [N,C,H,W].</remarks>
public static class ChannelsLast
{
    /// <summary>Changes the layout in a model in place.</summary>
    /// <param name="model">The model; its constants are initializers.</param>
    /// <returns>The number of nodes that compute in the new layout.</returns>
    public static int Apply(OnnxModel model)
    {
        ShapeInferrer.Infer(model);
        var graph = model.Graph;
        var editor = new GraphEditor(graph);
        var layout = new TokenLayout(graph, editor);
        var sequences = new TokenSequences(graph, editor, layout);
        var resizing = new TokenResizing(editor, layout);
        var converted = new HashSet<OnnxNode>();
        foreach (var node in graph.Nodes.ToArray())
        {
            if (node.Is("Conv") && layout.IsImage(node.Outputs[0]))
            {
                layout.Offer(node.Outputs[0]);
            }
            else if (layout.TryConvert(node) || sequences.TryConvert(node) || resizing.TryConvert(node))
            {
                converted.Add(node);
            }
        }

        if (converted.Count > 0)
        {
            // Who still reads [N,C,H,W], the graph's outputs among them, gets it made from the new layout.
            var kept = graph.Nodes.Where(n => !converted.Contains(n)).ToArray();
            var wanted = kept.SelectMany(GraphChecker.Reads)
                .Concat(graph.Outputs.Select(o => o.Name))
                .ToHashSet(StringComparer.Ordinal);
            var outputs = converted.SelectMany(n => n.Outputs).ToArray();
            graph.Nodes.RemoveAll(converted.Contains);
            foreach (var value in outputs.Where(wanted.Contains))
            {
                layout.Restore(value);
                sequences.Restore(value);
            }

            graph.SortTopologically();
            graph.RemoveUnused();
        }

        return converted.Count;
    }
}
