using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// What depends on what in a denoiser. Streams are the values that follow from the sample, or from another input that is
/// as large as tokens or an image (text states, a controlling image): blocks lie along them. Timestep, class and the like
/// are vectors; what is computed from these alone steers the streams.
/// </summary>
internal sealed class StreamFlow
{
    private readonly VertexSet?[] ancestors;
    private readonly bool[] timed;
    private readonly bool[] scores;
    private readonly Dictionary<string, QuantizableLayer> layers;

    public StreamFlow(OnnxGraph graph, IReadOnlyList<QuantizableLayer> layers, string sample, string timestep)
    {
        this.layers = layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        Data = new(graph, this.layers.Keys.ToHashSet(StringComparer.Ordinal));
        ancestors = new VertexSet?[Data.Count];
        timed = new bool[Data.Count];
        scores = new bool[Data.Count];
        for (var v = 0; v < Data.Count; v++)
        {
            var input = v < Data.Inputs ? graph.Inputs[v] : null;
            var sources = Data.Sources(v).ToArray();
            if (input is null ? Array.Exists(sources, IsStream) : IsCarrier(input, sample))
            {
                var set = new VertexSet(Data.Count);
                set.Add(v);
                foreach (var source in sources.Where(IsStream))
                {
                    set.UnionWith(ancestors[source]!);
                }

                ancestors[v] = set;
            }

            timed[v] = input is null ? Array.Exists(sources, s => timed[s]) : input.Name == timestep;
        }

        for (var v = Data.Count - 1; v >= Data.Inputs; v--)
        {
            scores[v] = Data.Readers(v)
                .Any(r =>
                    Data.Sources(r).Contains(v) && (Data.Node(r).Is("Softmax") || (!Data.IsLayer(r) && scores[r]))
                );
        }
    }

    public DataFlow Data { get; }

    public bool IsStream(int vertex) => ancestors[vertex] is not null;

    /// <summary>Whether a vertex depends on the timestep and belongs to no stream.</summary>
    public bool IsTimed(int vertex) => timed[vertex] && !IsStream(vertex);

    /// <summary>Whether a Softmax reads a vertex's values before any layer does: scores and their masks.</summary>
    public bool IsScore(int vertex) => scores[vertex];

    /// <summary>The stream's vertices that a vertex of a stream depends on, itself included.</summary>
    public VertexSet Ancestors(int vertex) => ancestors[vertex]!;

    /// <summary>The vertices of streams that a vertex's node computes with.</summary>
    public IEnumerable<int> Sources(int vertex) => Data.Sources(vertex).Where(IsStream);

    /// <summary>A layer that multiplies streams with each other.</summary>
    public bool IsProduct(int vertex) =>
        LayerOf(vertex) is { Weight: null } && Data.Values(vertex).Count(v => IsStreamValue(vertex, v)) > 1;

    /// <summary>An attention that is one node.</summary>
    public bool IsFusedAttention(int vertex) =>
        LayerOf(vertex) is { } layer && layer.Node.OpType.EndsWith("Attention", StringComparison.Ordinal);

    /// <summary>A layer that mixes channels and nothing else: fully connected, or a convolution of one pixel.</summary>
    public bool IsProjection(int vertex) =>
        LayerOf(vertex) is { Weight: { } weight } layer
        && !IsFusedAttention(vertex)
        && (layer.Kind is LayerKind.Linear or LayerKind.Gemm || IsPointwise(layer, weight));

    /// <summary>A layer of a feed-forward network: a projection, or a convolution of each channel for itself.</summary>
    public bool IsFeedForward(int vertex) =>
        IsProjection(vertex)
        || (
            LayerOf(vertex) is { Kind: LayerKind.Convolution } layer
            && layer.Node.Int("group", 1) > 1
            && layer.Weight?.Dims[1] == 1
        );

    /// <summary>A node that is no layer and computes a linear function of the streams it reads.</summary>
    public bool IsLinear(int vertex)
    {
        if (vertex < Data.Inputs || Data.IsLayer(vertex))
        {
            return false;
        }

        var node = Data.Node(vertex);
        return node.OpType switch
        {
            "Add" or "Sub" or "Sum" or "Neg" or "Concat" or "Slice" or "Split" or "Pad" or "Gather" or "Tile" => true,
            "Cast" or "Dropout" or "DepthToSpace" or "SpaceToDepth" => true,
            // What resizes an image on its way around a block; the greatest of four pixels is as good as their mean.
            "Resize" or "Upsample" or "AveragePool" or "MaxPool" => true,
            "Mul" => node.Inputs.Count(i => IsStreamValue(vertex, i)) < 2,
            "Div" => !IsStreamValue(vertex, node.Inputs[1]),
            _ => DataMovement.Is(node),
        };
    }

    private bool IsStreamValue(int reader, string value) =>
        Data.Values(reader).Contains(value) && IsStream(Data.Producer(value));

    private QuantizableLayer? LayerOf(int vertex) =>
        vertex < Data.Inputs ? null : layers.GetValueOrDefault(Data.Node(vertex).Name);

    private static bool IsCarrier(ValueInfo input, string sample) =>
        input.Name == sample || (input.ElementType.IsFloatingPoint() && input.Shape is { Rank: > 2 });

    private static bool IsPointwise(QuantizableLayer layer, OnnxTensor weight) =>
        layer.Kind == LayerKind.Convolution && weight.Rank > 2 && weight.Dims[2..].IndexOfAnyExcept(1L) < 0;
}
