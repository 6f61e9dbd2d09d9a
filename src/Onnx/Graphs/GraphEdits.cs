namespace DiffusionQuant.Onnx;

/// <summary>Small verbs that change a graph in place.</summary>
public static class GraphEdits
{
    /// <summary>Adds nodes before another one, in the given order.</summary>
    /// <exception cref="ArgumentException">The position is no node of the graph.</exception>
    public static void InsertBefore(this OnnxGraph graph, OnnxNode position, params ReadOnlySpan<OnnxNode> nodes) =>
        graph.Nodes.InsertRange(IndexOf(graph, position), nodes.ToArray());

    /// <summary>Adds nodes behind another one, in the given order.</summary>
    /// <exception cref="ArgumentException">The position is no node of the graph.</exception>
    public static void InsertAfter(this OnnxGraph graph, OnnxNode position, params ReadOnlySpan<OnnxNode> nodes) =>
        graph.Nodes.InsertRange(IndexOf(graph, position) + 1, nodes.ToArray());

    /// <summary>Puts nodes in the place of another one.</summary>
    /// <exception cref="ArgumentException">The old node is no node of the graph.</exception>
    public static void Replace(this OnnxGraph graph, OnnxNode old, params ReadOnlySpan<OnnxNode> nodes)
    {
        var index = IndexOf(graph, old);
        graph.Nodes.RemoveAt(index);
        graph.Nodes.InsertRange(index, nodes.ToArray());
    }

    /// <summary>Lets every reader of a value read another one; the graph's outputs keep their names.</summary>
    public static void RedirectReaders(this OnnxGraph graph, string from, string to)
    {
        foreach (var node in graph.Nodes)
        {
            node.RedirectInput(from, to);
        }
    }

    /// <summary>Lets a node (and its subgraphs) read another value.</summary>
    public static void RedirectInput(this OnnxNode node, string from, string to)
    {
        for (var i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] == from)
            {
                node.Inputs[i] = to;
            }
        }

        foreach (var subgraph in GraphChecker.Subgraphs(node).Where(s => !Defines(s, from)))
        {
            subgraph.RedirectReaders(from, to);
            for (var i = 0; i < subgraph.Outputs.Count; i++)
            {
                if (subgraph.Outputs[i].Name == from)
                {
                    subgraph.Outputs[i] = subgraph.Outputs[i] with { Name = to };
                }
            }
        }
    }

    /// <summary>Gives an inner value another name, at its producer and all its readers.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="from">The name of an initializer or of a node's output.</param>
    /// <param name="to">A name that no value has yet.</param>
    /// <exception cref="ArgumentException">The value is an input or output of the graph, whose names are part of its
    /// contract, or the new name is taken.</exception>
    public static void Rename(this OnnxGraph graph, string from, string to)
    {
        if (from == to)
        {
            return;
        }

        if (graph.Inputs.Exists(i => i.Name == from) || graph.Outputs.Exists(o => o.Name == from))
        {
            throw new ArgumentException(
                $"'{from}' is an input or output of the graph and keeps its name.",
                nameof(from)
            );
        }

        if (Defines(graph, to))
        {
            throw new ArgumentException($"The graph already has a value '{to}'.", nameof(to));
        }

        foreach (var node in graph.Nodes)
        {
            var index = node.Outputs.IndexOf(from);
            if (index >= 0)
            {
                node.Outputs[index] = to;
            }
        }

        graph.RedirectReaders(from, to);
        if (graph.Initializers.IndexOf(from) is >= 0 and var place)
        {
            var tensor = graph.Initializers[from];
            graph.Initializers.RemoveAt(place);
            graph.Initializers.Insert(place, to, tensor.WithName(to));
        }

        if (graph.ValueInfos.Remove(from, out var info))
        {
            graph.ValueInfos[to] = info with { Name = to };
        }
    }

    /// <summary>Removes nodes whose outputs nobody reads, and constants that nobody reads.</summary>
    /// <returns>The number of removed nodes.</returns>
    public static int RemoveUnused(this OnnxGraph graph)
    {
        var needed = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        var kept = new List<OnnxNode>(graph.Nodes.Count);
        for (var i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            var node = graph.Nodes[i];
            if (node.Outputs.Exists(needed.Contains))
            {
                kept.Add(node);
                needed.UnionWith(GraphChecker.Reads(node));
            }
        }

        var removed = graph.Nodes.Count - kept.Count;
        kept.Reverse();
        graph.Nodes.Clear();
        graph.Nodes.AddRange(kept);
        foreach (var name in graph.Initializers.Keys.Where(k => !needed.Contains(k)).ToArray())
        {
            graph.Initializers.Remove(name);
        }

        var living = graph.Nodes.SelectMany(n => n.Outputs).ToHashSet(StringComparer.Ordinal);
        foreach (var name in graph.ValueInfos.Keys.Where(k => !living.Contains(k)).ToArray())
        {
            graph.ValueInfos.Remove(name);
        }

        return removed;
    }

    /// <summary>
    /// A name that no value of the graph or of its subgraphs has: the wanted one, or with a number behind it. For many
    /// names, <see cref="UniqueNames"/> looks through the graph only once.
    /// </summary>
    public static string UniqueName(this OnnxGraph graph, string wanted) => new UniqueNames(graph).Next(wanted);

    /// <summary>
    /// Turns Constant nodes into initializers, and lets readers of an Identity of a constant read the constant. Constants
    /// that are outputs of the graph stay nodes; those of subgraphs are left alone.
    /// </summary>
    public static void ConstantsToInitializers(this OnnxGraph graph)
    {
        var outputs = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in graph.Nodes.ToArray())
        {
            if (node.Is("Constant") && !outputs.Contains(node.Outputs[0]) && ConstantValue(node) is { } tensor)
            {
                graph.Add(tensor.WithName(node.Outputs[0]));
                graph.ValueInfos.Remove(node.Outputs[0]);
                graph.Nodes.Remove(node);
            }
            else if (
                node.Is("Identity")
                && graph.Initializers.ContainsKey(node.Inputs[0])
                && !outputs.Contains(node.Outputs[0])
            )
            {
                graph.RedirectReaders(node.Outputs[0], node.Inputs[0]);
                graph.ValueInfos.Remove(node.Outputs[0]);
                graph.Nodes.Remove(node);
            }
        }
    }

    /// <summary>The tensor that a Constant node makes, or null for a kind without one (sparse).</summary>
    public static OnnxTensor? ConstantValue(OnnxNode constant)
    {
        var name = constant.Outputs[0];
        return constant.Attributes.FirstOrDefault().Value switch
        {
            AttributeValue.Tensor t => t.Value.WithName(name),
            AttributeValue.Int i => OnnxTensor.Scalar(name, i.Value),
            AttributeValue.Float f => OnnxTensor.Scalar(name, f.Value),
            AttributeValue.Ints i => OnnxTensor.Of(name, i.Values.ToArray().AsSpan(), i.Values.Count),
            AttributeValue.Floats f => OnnxTensor.Of(name, f.Values.ToArray().AsSpan(), f.Values.Count),
            AttributeValue.Text t => new(name, [], [t.Utf8]),
            AttributeValue.Texts t => new(name, [t.Utf8.Count], t.Utf8),
            _ => null,
        };
    }

    private static bool Defines(OnnxGraph graph, string value) =>
        graph.Initializers.ContainsKey(value)
        || graph.Inputs.Exists(i => i.Name == value)
        || graph.Nodes.Exists(n => n.Outputs.Contains(value));

    private static int IndexOf(OnnxGraph graph, OnnxNode node)
    {
        var index = graph.Nodes.IndexOf(node);
        return index >= 0
            ? index
            : throw new ArgumentException($"The graph has no node '{node.DisplayName}'.", nameof(node));
    }
}
