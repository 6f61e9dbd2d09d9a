namespace DiffusionQuant.Onnx;

/// <summary>Cuts parts out of graphs.</summary>
public static class GraphCut
{
    /// <summary>
    /// Cuts out the part between values: the nodes that the given outputs need, down to the given inputs.
    /// </summary>
    /// <param name="graph">The graph; it is not changed.</param>
    /// <param name="inputs">Values that become inputs of the part.</param>
    /// <param name="outputs">Values that become its outputs.</param>
    /// <returns>A graph that shares nodes' tensors with this one.</returns>
    /// <exception cref="InvalidOperationException">The part reads one of the graph's inputs that is not among <paramref name="inputs"/>.</exception>
    public static OnnxGraph Cut(this OnnxGraph graph, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs)
    {
        ValueInfo Info(string name) => graph.Find(name) ?? new(name, ElementType.Undefined, null);

        var part = new OnnxGraph { Name = graph.Name };
        part.Inputs.AddRange(inputs.Select(Info));
        part.Outputs.AddRange(outputs.Select(Info));
        var border = inputs.ToHashSet(StringComparer.Ordinal);
        var needed = outputs.Where(o => !border.Contains(o)).ToHashSet(StringComparer.Ordinal);
        for (var i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            var node = graph.Nodes[i];
            if (node.Outputs.Exists(needed.Contains))
            {
                part.Nodes.Add(node.Clone());
                needed.UnionWith(GraphChecker.Reads(node).Where(r => !border.Contains(r)));
            }
        }

        part.Nodes.Reverse();
        if (graph.Inputs.Find(i => needed.Contains(i.Name)) is { } missing)
        {
            throw new InvalidOperationException(
                $"The part reads the graph's input '{missing.Name}', which is not among its inputs."
            );
        }

        foreach (var (name, tensor) in graph.Initializers)
        {
            if (needed.Contains(name))
            {
                part.Initializers.Add(name, tensor);
            }
        }

        foreach (var output in part.Nodes.SelectMany(n => n.Outputs))
        {
            if (graph.ValueInfos.TryGetValue(output, out var info))
            {
                part.ValueInfos[output] = info;
            }
        }

        return part;
    }
}
