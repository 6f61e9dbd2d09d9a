namespace DiffusionQuant.Onnx;

/// <summary>The order in which nodes can be computed.</summary>
public static class TopologicalSort
{
    /// <summary>Puts the nodes into topological order, keeping the present order where it is free.</summary>
    /// <exception cref="InvalidOperationException">The graph is cyclic.</exception>
    public static void SortTopologically(this OnnxGraph graph)
    {
        if (TrySortTopologically(graph) is { } node)
        {
            throw new InvalidOperationException($"The graph is cyclic at node '{node.DisplayName}'.");
        }
    }

    /// <summary>The first node that reads a value made behind it, or null when all are in order.</summary>
    internal static OnnxNode? FirstOutOfOrder(OnnxGraph graph, IReadOnlySet<string> defined)
    {
        var made = new HashSet<string>(defined, StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            if (!GraphChecker.Reads(node).All(made.Contains))
            {
                return node;
            }

            made.UnionWith(node.Outputs);
        }

        return null;
    }

    /// <summary>
    /// Sorts; the result is null, or a node of a cycle, in which case the order is unchanged. Each node comes where it
    /// stood, and those it needs that stand behind it come right before it: so a node that was added at the end moves to
    /// its reader, and all others stay in their order.
    /// </summary>
    internal static OnnxNode? TrySortTopologically(OnnxGraph graph)
    {
        var needs = Needs(graph);
        var nextNeed = new int[needs.Length];
        var state = new State[needs.Length];
        var sorted = new List<OnnxNode>(needs.Length);
        // A stack of its own: chains in large graphs are longer than recursion may be deep.
        var path = new Stack<int>();
        for (var start = 0; start < needs.Length; start++)
        {
            if (state[start] == State.New)
            {
                path.Push(start);
            }

            while (path.TryPeek(out var at))
            {
                state[at] = State.Open;
                if (nextNeed[at] == needs[at].Length)
                {
                    state[at] = State.Done;
                    sorted.Add(graph.Nodes[path.Pop()]);
                    continue;
                }

                var need = needs[at][nextNeed[at]++];
                if (state[need] == State.Open)
                {
                    return graph.Nodes[need];
                }

                if (state[need] == State.New)
                {
                    path.Push(need);
                }
            }
        }

        graph.Nodes.Clear();
        graph.Nodes.AddRange(sorted);
        return null;
    }

    /// <summary>For each node, the nodes whose outputs it reads, in the order in which they stand.</summary>
    private static int[][] Needs(OnnxGraph graph)
    {
        var producers = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (var output in graph.Nodes[i].Outputs.Where(o => o.Length > 0))
            {
                producers[output] = i;
            }
        }

        return
        [
            .. graph.Nodes.Select(n =>
                GraphChecker
                    .Reads(n)
                    .Where(producers.ContainsKey)
                    .Select(r => producers[r])
                    .Distinct()
                    .Order()
                    .ToArray()
            ),
        ];
    }

    private enum State
    {
        New,
        Open,
        Done,
    }
}
