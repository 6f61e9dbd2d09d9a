using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>Finds the layers of a denoiser and where they stand, from the graph's structure alone.</summary>
public static class LayerAnalysis
{
    /// <summary>The key of a node's metadata that keeps it out of quantization: arithmetic that a pass wrote.</summary>
    public const string AuxiliaryKey = "diffusionquant.auxiliary";

    /// <summary>Finds the layers, in topological order.</summary>
    /// <param name="graph">A graph whose nodes have unique names and whose constants are initializers.</param>
    /// <param name="sample">The name of the sample input.</param>
    /// <param name="timestep">The name of the timestep input.</param>
    public static IReadOnlyList<QuantizableLayer> Find(OnnxGraph graph, string sample, string timestep)
    {
        var index = new GraphIndex(graph);
        var classifier = new LayerClassifier(index);
        var found = new List<(OnnxNode Node, LayerForm Form)>();
        foreach (var node in graph.Nodes.Where(n => !n.Metadata.Exists(m => m.Key == AuxiliaryKey)))
        {
            if (classifier.Of(node) is { } form)
            {
                found.Add((node, form));
            }

            found.AddRange(GraphChecker.Subgraphs(node).SelectMany(s => Inner(s, node.Name)));
        }

        var names = new UniqueNames(graph);
        foreach (var (node, _) in found.Where(f => !index.Contains(f.Node)))
        {
            node.Name = names.Next(node.Name);
        }

        var positions = new PositionFinder(index, [.. found.Select(l => l.Node)], sample, timestep).Find();
        return
        [
            .. found.Select(l => new QuantizableLayer(
                l.Node,
                l.Form.Kind,
                positions[l.Node],
                l.Form.WeightInput is { } input ? index.Constant(l.Node.Inputs[input]) : null,
                l.Form.Obstacle
            )
            {
                WeightInput = l.Form.WeightInput ?? 1,
                ChannelAxis = l.Form.ChannelAxis,
            }),
        ];
    }

    /// <summary>The layers of a branch or a loop's body, as copies that are named after where they stand.</summary>
    private static IEnumerable<(OnnxNode Node, LayerForm Form)> Inner(OnnxGraph subgraph, string outer)
    {
        foreach (var node in subgraph.Nodes)
        {
            var name = $"{outer}/{node.DisplayName}";
            if (node.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul" or "Einsum")
            {
                var copy = node.Clone();
                copy.Name = name;
                yield return (copy, new(LayerKind.Other, null, 0, "it stands in a branch or a loop"));
            }

            foreach (var inner in GraphChecker.Subgraphs(node).SelectMany(s => Inner(s, name)))
            {
                yield return inner;
            }
        }
    }
}
