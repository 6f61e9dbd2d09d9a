using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>What recomputation knows of a graph with its gradients: the nodes that make the loss, and who reads their values.</summary>
internal sealed class ForwardValues
{
    // Values that are smaller than this share of the largest one cost nothing to keep.
    private const int SmallShare = 256;

    private readonly OnnxGraph graph;
    private readonly Dictionary<string, OnnxNode> producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> lastReaders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> sizes = new(StringComparer.Ordinal);
    private readonly HashSet<string> data;
    private readonly bool[] isRecomputable;
    private readonly long small;

    /// <summary>Looks through a graph.</summary>
    /// <param name="graph">In topological order, with the shapes of all values.</param>
    /// <param name="loss">What the forward pass makes.</param>
    /// <param name="parameters">The inputs that are no data.</param>
    public ForwardValues(OnnxGraph graph, string loss, IEnumerable<string> parameters)
    {
        this.graph = graph;
        foreach (var node in graph.Nodes)
        {
            foreach (var output in node.Outputs.Where(o => o.Length > 0))
            {
                producers[output] = node;
            }
        }

        Nodes = Ancestors(loss);
        Backward = [.. graph.Nodes.Except(Nodes)];
        foreach (var (place, node) in Nodes.Index())
        {
            foreach (var output in node.Outputs.Where(o => o.Length > 0))
            {
                places[output] = place;
                sizes[output] = Size(output);
            }

            foreach (var value in GraphChecker.Reads(node))
            {
                lastReaders[value] = place;
            }
        }

        small = sizes.Values.DefaultIfEmpty().Max() / SmallShare;
        ReadBack = Backward.SelectMany(GraphChecker.Reads).Where(places.ContainsKey).ToHashSet(StringComparer.Ordinal);
        var inputs = graph.Inputs.Select(i => i.Name).Except(parameters).ToHashSet(StringComparer.Ordinal);
        data = new(inputs, StringComparer.Ordinal);
        isRecomputable = new bool[Nodes.Count];
        foreach (var (place, node) in Nodes.Index())
        {
            string[] read = [.. GraphChecker.Reads(node).Where(data.Contains)];
            if (read.Length > 0)
            {
                data.UnionWith(node.Outputs);
                // What only inputs make is kept: an input may be a whole data set of which rows are gathered.
                isRecomputable[place] = !Array.TrueForAll(read, inputs.Contains) && CanRepeat(node);
            }
        }
    }

    /// <summary>The nodes that make the loss, in topological order.</summary>
    public IReadOnlyList<OnnxNode> Nodes { get; }

    /// <summary>All other nodes.</summary>
    public IReadOnlyList<OnnxNode> Backward { get; }

    /// <summary>The values of the forward pass that other nodes read.</summary>
    public IReadOnlySet<string> ReadBack { get; }

    /// <summary>Whether a node of <see cref="Nodes"/> may be computed twice, to the same result, and is worth it.</summary>
    public bool IsRecomputable(int place) => isRecomputable[place];

    /// <summary>Where in <see cref="Nodes"/> a value is made; -1 for inputs and constants.</summary>
    public int PlaceOf(string value) => places.GetValueOrDefault(value, -1);

    /// <summary>Where the forward pass reads a value last; -1 for nowhere.</summary>
    public int LastReader(string value) => lastReaders.GetValueOrDefault(value, -1);

    /// <summary>The bytes of a value of the forward pass; 0 for one that shares another's memory.</summary>
    public long SizeOf(string value) => IsView(Nodes[places[value]]) ? 0 : sizes[value];

    /// <summary>Whether a value is a large one of floating point that depends on more than parameters.</summary>
    public bool IsLargeData(string value) =>
        data.Contains(value)
        && sizes.GetValueOrDefault(value) > small
        && (graph.Find(value)?.ElementType.IsFloatingPoint() ?? false);

    /// <summary>Whether a value is made by a node that the forward pass does not need.</summary>
    public bool IsBackward(string value) => producers.ContainsKey(value) && !places.ContainsKey(value);

    private OnnxNode[] Ancestors(string loss)
    {
        var needed = new HashSet<string>(StringComparer.Ordinal) { loss };
        var found = new List<OnnxNode>();
        foreach (var node in Enumerable.Reverse(graph.Nodes))
        {
            if (node.Outputs.Exists(needed.Contains))
            {
                found.Add(node);
                needed.UnionWith(GraphChecker.Reads(node));
            }
        }

        found.Reverse();
        return [.. found];
    }

    private long Size(string value) =>
        graph.Find(value) is { Shape: { IsStatic: true } shape } info && info.ElementType != ElementType.Undefined
            ? info.ElementType.ByteSize(shape.ElementCount!.Value)
            : 0;

    private bool CanRepeat(OnnxNode node) =>
        !GraphChecker.Subgraphs(node).Any()
        && !node.OpType.StartsWith("Random", StringComparison.Ordinal)
        && node.OpType is not ("Dropout" or "Bernoulli" or "Multinomial")
        && node.Outputs.Exists(o => sizes.GetValueOrDefault(o) > small);

    private static bool IsView(OnnxNode node) =>
        node.Domain.Length == 0 && node.OpType is "Reshape" or "Identity" or "Flatten" or "Squeeze" or "Unsqueeze";
}
