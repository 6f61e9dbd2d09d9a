using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Brings the graphs of different exporters to one form, so that later passes have fewer cases: constants are
/// initializers, nothing stands in the way that computes nothing at inference, weights hold the factors and transpositions
/// that were written beside them, and every node has a name of its own.
/// </summary>
public static class NormalizeGraph
{
    /// <summary>Normalizes a model's graph in place.</summary>
    /// <param name="model">The model.</param>
    /// <returns>The number of rewrites.</returns>
    public static int Apply(OnnxModel model)
    {
        var graph = model.Graph;
        var count = graph.Nodes.Count;
        graph.ConstantsToInitializers();
        count += NameNodes(graph) - graph.Nodes.Count;

        // Types tell which Casts do nothing, sizes which parts of a Concat are empty.
        ShapeInferrer.Infer(model);
        RemoveEmptyParts(graph, ref count);
        RemoveIdle(graph, ref count);
        FoldTransposes(graph, ref count);
        FoldFactors(graph, ref count);
        if (count > 0)
        {
            graph.SortTopologically();
            graph.RemoveUnused();
        }

        return count;
    }

    /// <summary>Gives a name to each node that has none, or one that an earlier node has.</summary>
    internal static int NameNodes(OnnxGraph graph)
    {
        var names = new HashSet<string>(graph.Nodes.Count, StringComparer.Ordinal);
        var unnamed = graph.Nodes.FindAll(n => n.Name.Length == 0 || !names.Add(n.Name));
        foreach (var node in unnamed)
        {
            // Named after the value that it makes, which stays the same when other parts of a graph change.
            var wanted = node.Name.Length > 0 ? node.Name : node.Outputs.Find(o => o.Length > 0) ?? node.OpType;
            var name = wanted;
            for (var i = 1; !names.Add(name); i++)
            {
                name = $"{wanted}_{i}";
            }

            node.Name = name;
        }

        return unnamed.Count;
    }

    /// <summary>A part without elements adds nothing to a Concat, and has no range and no kernel either.</summary>
    private static void RemoveEmptyParts(OnnxGraph graph, ref int count)
    {
        foreach (var node in graph.Nodes.Where(n => n.Is("Concat")))
        {
            // One has to stay where all are empty.
            for (var i = node.Inputs.Count - 1; i >= 0 && node.Inputs.Count > 1; i--)
            {
                if (graph.ShapeOf(node.Inputs[i]) is { } shape && IsEmptyAlong(shape, node.Int("axis")))
                {
                    node.Inputs.RemoveAt(i);
                    count++;
                }
            }
        }

        static bool IsEmptyAlong(TensorShape shape, long axis) =>
            shape.Rank > 0 && shape[(int)(axis < 0 ? axis + shape.Rank : axis)].Value == 0;
    }

    private static void RemoveIdle(OnnxGraph graph, ref int count)
    {
        foreach (var node in graph.Nodes.ToArray())
        {
            if (!IsIdle(graph, node) || node.Input(0) is not { } source)
            {
                continue;
            }

            var output = node.Outputs[0];
            if (!graph.Outputs.Exists(o => o.Name == output))
            {
                graph.RedirectReaders(output, source);
            }
            else if (
                graph.Nodes.Find(n => n.Outputs.Contains(source)) is not null
                && !graph.Outputs.Exists(o => o.Name == source)
            )
            {
                // The output keeps its name: the value behind it takes that over. The node's own output goes out of the way.
                node.Outputs[0] = graph.UniqueName($"{output}_removed");
                graph.Rename(source, output);
            }
            else
            {
                continue;
            }

            graph.Nodes.Remove(node);
            count++;
        }
    }

    /// <summary>Whether a node hands its first input on unchanged at inference.</summary>
    private static bool IsIdle(OnnxGraph graph, OnnxNode node)
    {
        bool Read(string value) =>
            graph.Outputs.Exists(o => o.Name == value) || graph.Nodes.Exists(n => n.Inputs.Contains(value));

        if (node.Is("Identity") || (node.Is("Concat") && node.Inputs.Count == 1))
        {
            return true;
        }

        if (node.Is("Dropout"))
        {
            var training =
                node.Input(2) is { } mode
                && (!graph.Initializers.TryGetValue(mode, out var flag) || flag.Data.Span[0] != 0);
            return !training && !(node.Outputs.Count > 1 && node.Outputs[1].Length > 0 && Read(node.Outputs[1]));
        }

        return node.Is("Cast")
            && node.Input(0) is { } source
            && graph.Find(source) is { ElementType: not ElementType.Undefined } info
            && (long)info.ElementType == node.Int("to");
    }

    /// <summary>A Transpose of a constant becomes a constant.</summary>
    private static void FoldTransposes(OnnxGraph graph, ref int count)
    {
        var editor = new GraphEditor(graph);
        foreach (var node in graph.Nodes.ToArray())
        {
            if (
                node.Is("Transpose")
                && graph.Initializers.TryGetValue(node.Inputs[0], out var tensor)
                && tensor.ElementType.BitsOf() >= 8
                && !graph.Outputs.Exists(o => o.Name == node.Outputs[0])
            )
            {
                var name = editor.Constant(TensorTransposition.Transpose(tensor, node.Ints("perm")));
                graph.RedirectReaders(node.Outputs[0], name);
                graph.Nodes.Remove(node);
                count++;
            }
        }
    }

    /// <summary>Gemm's alpha goes into its weight, beta into its bias.</summary>
    private static void FoldFactors(OnnxGraph graph, ref int count)
    {
        var editor = new GraphEditor(graph);
        foreach (var node in graph.Nodes.Where(n => n.Is("Gemm")))
        {
            count += Fold(node, "alpha", 1) + Fold(node, "beta", 2);
        }

        int Fold(OnnxNode node, string factor, int input)
        {
            var value = node.Float(factor, 1);
            if (value == 1 || node.Input(input) is not { } name)
            {
                return node.Input(input) is null && node.Attributes.Remove(factor) ? 1 : 0;
            }

            if (!graph.Initializers.TryGetValue(name, out var tensor) || tensor.ElementType != ElementType.Float)
            {
                return 0;
            }

            var scaled = tensor.ToFloats().ToArray();
            foreach (ref var element in scaled.AsSpan())
            {
                element *= value;
            }

            node.Inputs[input] = editor.Constant(OnnxTensor.Of($"{name}_times_{factor}", scaled.AsSpan(), tensor.Dims));
            node.Attributes.Remove(factor);
            return 1;
        }
    }
}
