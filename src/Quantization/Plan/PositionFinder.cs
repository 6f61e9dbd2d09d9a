using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>Finds each layer's <see cref="LayerPositions"/> from where paths begin, join and end.</summary>
internal sealed class PositionFinder(GraphIndex index, HashSet<OnnxNode> layers, string sample, string timestep)
{
    private readonly Dictionary<OnnxNode, LayerPositions> positions = layers.ToDictionary(
        l => l,
        _ => LayerPositions.None
    );

    public IReadOnlyDictionary<OnnxNode, LayerPositions> Find()
    {
        MarkFromInputs();
        MarkLast();
        MarkTimeMlp();
        foreach (var node in index.Graph.Nodes.Where(n => n.Is("Softmax")))
        {
            MarkAttention(node);
        }

        foreach (var layer in layers.Where(l => l.Is("Conv")))
        {
            MarkConvolution(layer);
        }

        return positions;
    }

    private void MarkFromInputs()
    {
        var fromSample = new HashSet<string>(StringComparer.Ordinal) { sample };
        var fromTimestep = new HashSet<string>(StringComparer.Ordinal) { timestep };
        var behindLayer = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in index.Graph.Nodes)
        {
            var inputs = node.Inputs;
            var seesSample = inputs.Exists(fromSample.Contains);
            var seesTimestep = inputs.Exists(fromTimestep.Contains);
            var isLayer = layers.Contains(node);
            if (isLayer && seesTimestep && !seesSample)
            {
                positions[node] |= LayerPositions.TimeEmbedding;
            }

            if (isLayer && seesSample && !inputs.Exists(i => fromSample.Contains(i) && behindLayer.Contains(i)))
            {
                positions[node] |= LayerPositions.First;
            }

            if (seesSample)
            {
                fromSample.UnionWith(node.Outputs);
            }

            if (seesTimestep)
            {
                fromTimestep.UnionWith(node.Outputs);
            }

            // Shapes of the sample reach far into the graph; they carry none of its values.
            if (node.Is("Shape") || node.Is("Size"))
            {
                fromSample.ExceptWith(node.Outputs);
            }

            if (isLayer || inputs.Exists(behindLayer.Contains))
            {
                behindLayer.UnionWith(node.Outputs);
            }
        }
    }

    private void MarkLast()
    {
        var beforeLayer = new HashSet<string>(StringComparer.Ordinal);
        var beforeOutput = index.Graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        for (var i = index.Graph.Nodes.Count - 1; i >= 0; i--)
        {
            var node = index.Graph.Nodes[i];
            var reachesLayer = node.Outputs.Exists(beforeLayer.Contains);
            var reachesOutput = node.Outputs.Exists(beforeOutput.Contains);
            if (layers.Contains(node) && reachesOutput && !reachesLayer)
            {
                positions[node] |= LayerPositions.Last;
            }

            if (reachesOutput)
            {
                beforeOutput.UnionWith(node.Inputs);
            }

            if (layers.Contains(node) || reachesLayer)
            {
                beforeLayer.UnionWith(node.Inputs);
            }
        }
    }

    /// <summary>Needs the time embedding's layers marked.</summary>
    private void MarkTimeMlp()
    {
        var beforeEmbedding = new HashSet<string>(StringComparer.Ordinal);
        for (var i = index.Graph.Nodes.Count - 1; i >= 0; i--)
        {
            var node = index.Graph.Nodes[i];
            var isEmbedding = layers.Contains(node) && positions[node].HasFlag(LayerPositions.TimeEmbedding);
            var reachesEmbedding = node.Outputs.Exists(beforeEmbedding.Contains);
            if (isEmbedding && reachesEmbedding)
            {
                positions[node] |= LayerPositions.TimeMlp;
            }

            if (isEmbedding || reachesEmbedding)
            {
                beforeEmbedding.UnionWith(node.Inputs);
            }
        }
    }

    private void MarkAttention(OnnxNode softmax)
    {
        // The scores' product; the projection itself in linear attention, whose softmax stands right behind it.
        var before = NearestUp(softmax.Input(0)).ToArray();
        var products = NearestDown(softmax.Outputs[0]).Where(IsProduct).ToArray();
        if (before.Length == 0 || products.Length == 0)
        {
            return;
        }

        var inner = before.Concat(products).ToArray();
        var projections = inner.Where(IsProduct).SelectMany(p => p.Inputs.SelectMany(NearestUp));
        var outputs = products.SelectMany(p => NearestDown(p.Outputs[0]));
        foreach (var layer in inner.Concat(projections).Concat(outputs))
        {
            positions[layer] |= LayerPositions.Attention;
            if (IsProduct(layer))
            {
                positions[layer] |= LayerPositions.AttentionProduct;
            }
        }
    }

    /// <summary>Whether a layer multiplies activations with each other.</summary>
    private bool IsProduct(OnnxNode layer) =>
        layer.Is("MatMul") && !layer.Inputs.Exists(i => index.Constant(i) is not null);

    private void MarkConvolution(OnnxNode layer)
    {
        if (layer.Ints("strides")?.Any(s => s > 1) == true && !positions[layer].HasFlag(LayerPositions.First))
        {
            positions[layer] |= LayerPositions.Downsample;
        }

        if (index.Producer(layer.Input(0)) is { OpType: "Resize" or "Upsample" })
        {
            positions[layer] |= LayerPositions.Upsample;
        }

        var pointwise =
            index.Constant(layer.Input(1)) is { Rank: > 2 } weight && weight.Dims[2..].IndexOfAnyExcept(1L) < 0;
        var readers = index.Consumers(layer.Outputs[0]);
        if (
            pointwise
            && readers.Count == 1
            && readers[0].Is("Add")
            && index.Consumers(layer.Inputs[0]).Count > 1
            && !positions[layer].HasFlag(LayerPositions.Attention)
        )
        {
            positions[layer] |= LayerPositions.Skip;
        }
    }

    /// <summary>The nearest layers that a value comes from, through anything that is no layer.</summary>
    private IEnumerable<OnnxNode> NearestUp(string? value) =>
        Nearest(
            index.Producer(value) is { } first ? [first] : [],
            n => n.Inputs.Select(index.Producer).OfType<OnnxNode>()
        );

    /// <summary>The nearest layers that read a value, through anything that is no layer.</summary>
    private IEnumerable<OnnxNode> NearestDown(string value) =>
        Nearest(index.Consumers(value), n => n.Outputs.SelectMany(index.Consumers));

    private IEnumerable<OnnxNode> Nearest(IEnumerable<OnnxNode> start, Func<OnnxNode, IEnumerable<OnnxNode>> next)
    {
        var seen = new HashSet<OnnxNode>();
        var pending = new Queue<OnnxNode>(start);
        while (pending.TryDequeue(out var node))
        {
            if (!seen.Add(node))
            {
                continue;
            }

            if (layers.Contains(node))
            {
                yield return node;
                continue;
            }

            // Attention's projections stand close to it; what lies behind a residual addition or a normalisation belongs
            // to another part of the network.
            if (
                node.OpType
                is "Shape"
                    or "InstanceNormalization"
                    or "LayerNormalization"
                    or "GroupNormalization"
                    or "ReduceMean"
                    or "Concat"
            )
            {
                continue;
            }

            foreach (var neighbour in next(node))
            {
                pending.Enqueue(neighbour);
            }
        }
    }
}
