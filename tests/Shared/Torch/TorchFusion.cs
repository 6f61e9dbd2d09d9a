using DiffusionQuant.Onnx;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>
/// What PyTorch has one operator for and exporters write as several: x · σ(x), and the group normalization made of
/// Reshape, InstanceNormalization, Reshape, Mul and Add. Times are compared with those operators.
/// </summary>
internal sealed class TorchFusion
{
    private readonly Dictionary<OnnxNode, Func<IReadOnlyDictionary<string, Tensor>, Tensor>> fused = [];
    private readonly HashSet<OnnxNode> skipped = [];

    public TorchFusion(OnnxGraph graph)
    {
        var producers = graph.Nodes.SelectMany(n => n.Outputs.Select(o => (o, n))).ToDictionary(p => p.o, p => p.n);
        var readers = graph.Nodes.SelectMany(n => n.Inputs.Distinct().Select(i => (i, n))).ToLookup(p => p.i, p => p.n);
        var outputs = graph.Outputs.Select(o => o.Name).ToHashSet();
        OnnxNode? Next(OnnxNode node, string opType) =>
            !outputs.Contains(node.Outputs[0])
            && readers[node.Outputs[0]].ToArray() is [var reader]
            && reader.Is(opType)
                ? reader
                : null;

        foreach (var node in graph.Nodes)
        {
            if (node.Is("Sigmoid") && Next(node, "Mul") is { } product && product.Inputs.Contains(node.Inputs[0]))
            {
                var x = node.Inputs[0];
                skipped.Add(node);
                fused[product] = values => torch.nn.functional.silu(values[x]);
            }

            if (
                node.Is("InstanceNormalization")
                && producers.GetValueOrDefault(node.Inputs[0]) is { } grouping
                && grouping.Is("Reshape")
                && Next(grouping, "InstanceNormalization") is not null
                && Next(node, "Reshape") is { } restoring
                && Next(restoring, "Mul") is { } scaling
                && Next(scaling, "Add") is { } shifting
            )
            {
                var x = grouping.Inputs[0];
                var (groups, epsilon) = (node.Inputs[1], node.Float("epsilon", 1e-5f));
                var (scale, shift) = (Other(scaling, restoring), Other(shifting, scaling));
                skipped.UnionWith([grouping, node, restoring, scaling]);
                fused[shifting] = values =>
                    torch.nn.functional.group_norm(
                        values[x],
                        values[groups].numel(),
                        values[scale].flatten(),
                        values[shift].flatten(),
                        epsilon
                    );
            }
        }

        static string Other(OnnxNode node, OnnxNode producer) =>
            node.Inputs[node.Inputs[0] == producer.Outputs[0] ? 1 : 0];
    }

    /// <summary>Does a node's work where it is part of something larger.</summary>
    public bool Run(OnnxNode node, Dictionary<string, Tensor> values)
    {
        if (!fused.TryGetValue(node, out var run))
        {
            return skipped.Contains(node);
        }

        values[node.Outputs[0]] = run(values);
        return true;
    }
}
