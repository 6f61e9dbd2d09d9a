namespace DiffusionQuant.Onnx;

/// <summary>Adds nodes and constants to a graph under names that are not taken; order is restored at the end.</summary>
public sealed class GraphEditor
{
    private readonly UniqueNames names;
    private readonly HashSet<string> nodeNames;

    /// <summary>Edits a graph in place.</summary>
    public GraphEditor(OnnxGraph graph)
    {
        Graph = graph;
        names = new(graph);
        nodeNames = graph.Nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The graph that is edited.</summary>
    public OnnxGraph Graph { get; }

    /// <summary>A name that nothing has yet, in subgraphs neither.</summary>
    public string Unique(string wanted) => names.Next(wanted);

    /// <summary>Adds a node of one output and returns the output's name.</summary>
    public string Node(
        string opType,
        string wanted,
        IEnumerable<string> inputs,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    ) => NodeTo(Unique(wanted), opType, inputs, attributes);

    /// <summary>Adds a node whose output has exactly this name.</summary>
    public string NodeTo(
        string output,
        string opType,
        IEnumerable<string> inputs,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    )
    {
        // A value may be called like a node that has nothing to do with it (exporters that number both).
        var name = output;
        if (!nodeNames.Add(name))
        {
            nodeNames.Add(name = names.Next(output));
        }

        var node = new OnnxNode(opType, inputs, [output], name);
        foreach (var (key, value) in attributes)
        {
            node.Attributes[key] = value;
        }

        Graph.Nodes.Add(node);
        return output;
    }

    /// <summary>Adds a constant and returns its name.</summary>
    public string Constant(OnnxTensor tensor)
    {
        var named = tensor.WithName(Unique(tensor.Name));
        Graph.Add(named);
        return named.Name;
    }

    private readonly Dictionary<string, string> shared = new(StringComparer.Ordinal);

    /// <summary>A constant that every caller with the same wanted name shares.</summary>
    public string Shared(string wanted, Func<string, OnnxTensor> make)
    {
        if (!shared.TryGetValue(wanted, out var name))
        {
            shared[wanted] = name = Constant(make(wanted));
        }

        return name;
    }

    /// <summary>A shared constant of int64 numbers with one dimension: a shape, axes.</summary>
    public string Integers(params long[] values) =>
        Shared($"int64_{string.Join('_', values)}", n => OnnxTensor.Of(n, values.AsSpan(), values.Length));

    /// <summary>Converts a value when it is not of the wanted type.</summary>
    public string Cast(string value, ElementType from, ElementType to, string wanted) =>
        from == to ? value : Node("Cast", wanted, [value], ("to", (long)to));
}
