using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// Where a graph's values go. Vertices are the graph's inputs and, behind them, the nodes that compute with values, in the
/// graph's order. Nodes that compute with shapes and constants alone are none: whoever cuts a part out of the graph
/// computes them again, from the values whose shapes they take.
/// </summary>
internal sealed class DataFlow
{
    private readonly List<OnnxNode?> nodes = [];
    private readonly List<string[]> values = [];
    private readonly List<string[]> reads = [];
    private readonly List<List<int>> readers = [];
    private readonly Dictionary<string, int> producers = new(StringComparer.Ordinal);
    private readonly HashSet<string> outputs;
    private readonly IReadOnlySet<string> layers;

    /// <param name="graph">The graph; its nodes have unique names and stand in topological order.</param>
    /// <param name="layers">The names of the nodes that are layers.</param>
    public DataFlow(OnnxGraph graph, IReadOnlySet<string> layers)
    {
        Graph = graph;
        this.layers = layers;
        outputs = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var input in graph.Inputs)
        {
            Add(null, [input.Name], [], []);
        }

        Inputs = graph.Inputs.Count;
        var roots = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            var all = GraphChecker.Reads(node).Distinct(StringComparer.Ordinal).ToArray();
            var direct = all.Where(producers.ContainsKey).ToArray();
            var from = direct.ToHashSet(StringComparer.Ordinal);
            foreach (var value in all)
            {
                from.UnionWith(roots.GetValueOrDefault(value, []));
            }

            if (!layers.Contains(node.Name) && (direct.Length == 0 || node.Is("Shape") || node.Is("Size")))
            {
                foreach (var output in node.Outputs.Where(o => o.Length > 0))
                {
                    roots[output] = from;
                }

                continue;
            }

            Add(node, node.Outputs, direct, [.. from]);
        }
    }

    public OnnxGraph Graph { get; }

    /// <summary>The number of vertices.</summary>
    public int Count => nodes.Count;

    /// <summary>The number of vertices that are inputs of the graph; they are the first.</summary>
    public int Inputs { get; }

    /// <summary>A vertex's node; it must be no input.</summary>
    public OnnxNode Node(int vertex) => nodes[vertex]!;

    public bool IsLayer(int vertex) => nodes[vertex] is { } node && layers.Contains(node.Name);

    /// <summary>The values that a vertex's node computes with.</summary>
    public IReadOnlyList<string> Values(int vertex) => values[vertex];

    /// <summary>The values that a vertex's node needs: those it computes with, and those whose shapes it takes.</summary>
    public IReadOnlyList<string> Reads(int vertex) => reads[vertex];

    /// <summary>The vertices that need a vertex's values, if only for their shapes.</summary>
    public IReadOnlyList<int> Readers(int vertex) => readers[vertex];

    /// <summary>The vertex that makes a value that some vertex reads.</summary>
    public int Producer(string value) => producers[value];

    /// <summary>The vertices whose values a vertex's node computes with.</summary>
    public IEnumerable<int> Sources(int vertex) => values[vertex].Select(v => producers[v]).Distinct();

    /// <summary>The vertices whose values a vertex's node needs.</summary>
    public IEnumerable<int> Needs(int vertex) => reads[vertex].Select(v => producers[v]).Distinct();

    /// <summary>Whether a value is an output of the graph.</summary>
    public bool IsOutput(string value) => outputs.Contains(value);

    /// <summary>Whether a vertex makes an output of the graph.</summary>
    public bool MakesOutput(int vertex) => nodes[vertex]?.Outputs.Exists(IsOutput) == true;

    private void Add(OnnxNode? node, IEnumerable<string> made, string[] direct, string[] all)
    {
        var vertex = nodes.Count;
        nodes.Add(node);
        values.Add(direct);
        reads.Add(all);
        readers.Add([]);
        foreach (var producer in all.Select(v => producers[v]).Distinct())
        {
            readers[producer].Add(vertex);
        }

        foreach (var output in made.Where(o => o.Length > 0))
        {
            producers[output] = vertex;
        }
    }
}
