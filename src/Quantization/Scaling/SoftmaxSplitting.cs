using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// Cuts the products of a softmax into two, A·V = (m·A)·V + ((1 − m)·A)·V, where m is 1 for samples of some timesteps and
/// 0 for others: each part can have codes of its own.
/// </summary>
internal static class SoftmaxSplitting
{
    /// <summary>Writes them. The products that are there keep the samples of m = 0.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="factors">Writes m.</param>
    /// <param name="input">The softmax and its products.</param>
    /// <param name="isOne">m for each group of timesteps.</param>
    /// <returns>The new products, for samples of m = 1, and where they read the softmax.</returns>
    public static IReadOnlyList<(string Layer, int Input)> Write(
        GraphEditor editor,
        TimestepFactors factors,
        ScaledInput input,
        bool[] isOne
    )
    {
        var graph = editor.Graph;
        var nodes = input
            .Readers.Select(r => (r.Input, Node: graph.Nodes.Single(n => n.Name == r.Layer.Name)))
            .ToArray();
        var (inside, outside) = (Masked("inside", 1), Masked("outside", 0));
        var added = new List<(string, int)>();
        foreach (var (place, node) in nodes)
        {
            var output = node.Outputs[0];
            node.Inputs[place] = outside;
            node.Outputs[0] = editor.Unique($"{output}_outside");
            string[] inputs = [.. node.Inputs];
            inputs[place] = inside;
            var product = editor.Node("MatMul", $"{node.Name}_inside", inputs);
            graph.Nodes[^1].Metadata.AddRange(node.Metadata);
            added.Add((graph.Nodes[^1].Name, place));
            editor.NodeTo(output, "Add", [node.Outputs[0], product]);
            ScalingNodes.Tagged(editor, output, [node]);
        }

        return added;

        string Masked(string name, float atOne)
        {
            var rank = graph.ShapeOf(input.Value)!.Rank;
            var mask = factors.Add(
                $"{input.Value}_{name}_mask",
                graph.TypeOf(input.Value),
                rank,
                isOne.Select(one => one ? atOne : 1 - atOne)
            );
            var masked = ScalingNodes.Multiply(
                editor,
                input.Value,
                mask,
                $"{input.Value}_{name}",
                nodes.Select(n => n.Node)
            );
            graph.Nodes[^1].Metadata.Add(new(LayerPlanner.SoftmaxKey, ""));
            return masked;
        }
    }
}
