namespace DiffusionQuant.Onnx;

/// <summary>Checks that a graph's names fit together, and puts its nodes into topological order where they are not.</summary>
public static class GraphChecker
{
    /// <summary>Checks names and order of a graph and its subgraphs.</summary>
    /// <param name="graph">The graph; its nodes are reordered when they are not in topological order.</param>
    /// <param name="path">What to call the model in messages.</param>
    /// <exception cref="Diagnostics.DiffusionQuantException">DQ1008 to DQ1010.</exception>
    public static void Check(OnnxGraph graph, string path) => Check(graph, path, new(StringComparer.Ordinal));

    private static void Check(OnnxGraph graph, string path, HashSet<string> outer)
    {
        var defined = new HashSet<string>(outer, StringComparer.Ordinal);
        foreach (var name in graph.Inputs.Select(i => i.Name).Concat(graph.Initializers.Keys))
        {
            if (!defined.Add(name) && !outer.Contains(name))
            {
                throw OnnxErrors.DefinedTwice(path, name);
            }
        }

        var made = new HashSet<string>(defined, StringComparer.Ordinal);
        foreach (var output in graph.Nodes.SelectMany(n => n.Outputs).Where(o => o.Length > 0))
        {
            if (!made.Add(output))
            {
                throw OnnxErrors.DefinedTwice(path, output);
            }
        }

        foreach (var node in graph.Nodes)
        {
            if (Reads(node).FirstOrDefault(i => !made.Contains(i)) is { } missing)
            {
                throw OnnxErrors.UndefinedValue(path, node.DisplayName, missing);
            }
        }

        if (graph.Outputs.Find(o => !made.Contains(o.Name)) is { } output2)
        {
            throw OnnxErrors.UndefinedValue(path, "graph output", output2.Name);
        }

        if (TopologicalSort.FirstOutOfOrder(graph, defined) is not null)
        {
            var cyclic = TopologicalSort.TrySortTopologically(graph);
            if (cyclic is not null)
            {
                throw OnnxErrors.Cycle(path, cyclic.DisplayName);
            }
        }

        foreach (var subgraph in graph.Nodes.SelectMany(Subgraphs))
        {
            Check(subgraph, path, made);
        }
    }

    /// <summary>The values that a node reads from its own graph, its subgraphs' captured values included.</summary>
    public static IEnumerable<string> Reads(OnnxNode node) =>
        node.Inputs.Where(i => i.Length > 0).Concat(Subgraphs(node).SelectMany(Captures));

    /// <summary>The subgraphs in a node's attributes.</summary>
    public static IEnumerable<OnnxGraph> Subgraphs(OnnxNode node) =>
        node.Attributes.Values.SelectMany(a =>
            a switch
            {
                AttributeValue.Graph g => [g.Value],
                AttributeValue.Graphs g => g.Values,
                _ => Enumerable.Empty<OnnxGraph>(),
            }
        );

    private static IEnumerable<string> Captures(OnnxGraph subgraph)
    {
        var local = subgraph
            .Inputs.Select(i => i.Name)
            .Concat(subgraph.Initializers.Keys)
            .Concat(subgraph.Nodes.SelectMany(n => n.Outputs))
            .ToHashSet(StringComparer.Ordinal);
        return subgraph
            .Nodes.SelectMany(Reads)
            .Concat(subgraph.Outputs.Select(o => o.Name))
            .Where(n => !local.Contains(n))
            .Distinct(StringComparer.Ordinal);
    }
}
