using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine;

/// <summary>
/// The nodes of a graph that depend on constants only. Those that are given up stay in the graph, but others behind them
/// may still be evaluated through them.
/// </summary>
internal sealed class FoldablePart
{
    private readonly OnnxGraph graph;
    private readonly IReadOnlyDictionary<string, OnnxTensor> constants;
    private readonly List<OnnxNode> nodes = [];
    private readonly Dictionary<string, OnnxNode> producers = new(StringComparer.Ordinal);
    private readonly HashSet<OnnxNode> replaced = new(ReferenceEqualityComparer.Instance);

    /// <summary>Finds the nodes.</summary>
    /// <param name="graph">The graph, in topological order.</param>
    /// <param name="constants">All constants that its nodes can read.</param>
    /// <param name="mayFold">Whether a node may be evaluated, if its inputs are constant.</param>
    public FoldablePart(
        OnnxGraph graph,
        IReadOnlyDictionary<string, OnnxTensor> constants,
        Func<OnnxNode, bool> mayFold
    )
    {
        this.graph = graph;
        this.constants = constants;
        foreach (var node in graph.Nodes)
        {
            var reads = GraphChecker.Reads(node);
            if (mayFold(node) && reads.All(r => constants.ContainsKey(r) || producers.ContainsKey(r)))
            {
                nodes.Add(node);
                replaced.Add(node);
                foreach (var output in node.Outputs.Where(o => o.Length > 0))
                {
                    producers.Add(output, node);
                }
            }
        }
    }

    /// <summary>The values that must be known to replace the nodes: made by them and read outside, each once.</summary>
    public IReadOnlyList<string> Border() =>
        [
            .. graph
                .Nodes.Where(n => !replaced.Contains(n))
                .SelectMany(GraphChecker.Reads)
                .Concat(graph.Outputs.Select(o => o.Name))
                .Where(v => producers.TryGetValue(v, out var producer) && replaced.Contains(producer))
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>The value's constant, when its node is a Constant and needs no evaluation.</summary>
    public OnnxTensor? ConstantOf(string value) =>
        producers[value].Is("Constant") ? GraphEdits.ConstantValue(producers[value]) : null;

    /// <summary>The bytes of a value, as far as the model tells them; else 0.</summary>
    public long KnownBytes(string value) =>
        graph.Find(value) is { Shape.ElementCount: { } count } info ? info.ElementType.ByteSize(count) : 0;

    /// <summary>Leaves the node that makes a value in the graph.</summary>
    public void GiveUp(string value) => replaced.Remove(producers[value]);

    /// <summary>A model that makes values of the part and has no inputs.</summary>
    public OnnxModel ToModel(OnnxModel surroundings, IReadOnlyList<string> wanted)
    {
        var part = new OnnxGraph { Name = $"constants of {graph.Name}" };
        part.Outputs.AddRange(wanted.Select(w => new ValueInfo(w, ElementType.Undefined, null)));
        var needed = wanted.ToHashSet(StringComparer.Ordinal);
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            if (nodes[i].Outputs.Exists(needed.Contains))
            {
                part.Nodes.Add(nodes[i].Clone());
                needed.UnionWith(GraphChecker.Reads(nodes[i]));
            }
        }

        part.Nodes.Reverse();
        foreach (var name in needed.Where(n => !producers.ContainsKey(n)))
        {
            part.Initializers.Add(name, constants[name]);
        }

        return surroundings.WithGraph(part);
    }

    /// <summary>Takes the nodes out of the graph and puts the values of <see cref="Border"/> in their place.</summary>
    public void ReplaceByValues(IReadOnlyDictionary<string, OnnxTensor> values)
    {
        foreach (var name in Border())
        {
            graph.Add(values[name]);
        }

        graph.Nodes.RemoveAll(replaced.Contains);
        foreach (var output in replaced.SelectMany(n => n.Outputs))
        {
            graph.ValueInfos.Remove(output);
        }
    }
}
