namespace DiffusionQuant.Onnx;

/// <summary>Who makes and who reads each value of a graph, as it stood when the index was made.</summary>
public sealed class GraphIndex
{
    private readonly Dictionary<string, OnnxNode> producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<OnnxNode>> consumers = new(StringComparer.Ordinal);
    private readonly HashSet<string> outputs;

    /// <summary>Indexes a graph.</summary>
    public GraphIndex(OnnxGraph graph)
    {
        Graph = graph;
        outputs = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            foreach (var output in node.Outputs)
            {
                if (output.Length > 0)
                {
                    producers[output] = node;
                }
            }

            foreach (var input in GraphChecker.Reads(node).Distinct(StringComparer.Ordinal))
            {
                if (!consumers.TryGetValue(input, out var list))
                {
                    consumers[input] = list = [];
                }

                list.Add(node);
            }
        }
    }

    /// <summary>The indexed graph.</summary>
    public OnnxGraph Graph { get; }

    /// <summary>The node that makes a value, or null for inputs and initializers.</summary>
    public OnnxNode? Producer(string? value) => value is null ? null : producers.GetValueOrDefault(value);

    /// <summary>The nodes that read a value, each once; a node whose subgraph captures it counts.</summary>
    public IReadOnlyList<OnnxNode> Consumers(string value) => consumers.TryGetValue(value, out var list) ? list : [];

    /// <summary>Whether a node stands in the graph itself, rather than in a subgraph.</summary>
    public bool Contains(OnnxNode node) => node.Outputs.Exists(o => producers.GetValueOrDefault(o) == node);

    /// <summary>Whether a value is an output of the graph.</summary>
    public bool IsOutput(string value) => outputs.Contains(value);

    /// <summary>The constant behind a value: an initializer, a Constant node, or either through Identity nodes.</summary>
    public OnnxTensor? Constant(string? value)
    {
        while (value is not null)
        {
            if (Graph.Initializers.TryGetValue(value, out var tensor))
            {
                return tensor;
            }

            var producer = Producer(value);
            if (producer is null)
            {
                return null;
            }

            if (producer.Is("Constant"))
            {
                return GraphEdits.ConstantValue(producer);
            }

            value = producer.Is("Identity") ? producer.Input(0) : null;
        }

        return null;
    }
}
