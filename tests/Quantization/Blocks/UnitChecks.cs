using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Blocks;

/// <summary>What must be so of every partition.</summary>
internal static class UnitChecks
{
    public static void Check(OnnxGraph graph, IReadOnlyList<ReconstructionUnit> units)
    {
        var layers = Layers(graph);
        var all = units.SelectMany(u => u.Layers).ToArray();
        Assert.Equal(layers.Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
        Assert.Equal(units.Count, units.Select(u => u.Name).Distinct().Count());
        var nodes = units.SelectMany(u => u.Nodes).ToArray();
        Assert.Equal(nodes.Length, nodes.Distinct().Count());
        var known = graph.Inputs.Select(i => i.Name).ToHashSet();
        foreach (var unit in units)
        {
            Assert.NotEmpty(unit.Layers);
            Assert.Equal(layers.Where(unit.Layers.Contains), unit.Layers);

            // What lies between units can be computed of what earlier units made, and has no layer.
            var between = graph.Cut([.. known], [.. unit.Inputs]);
            Assert.DoesNotContain(between.Nodes, n => layers.Contains(n.Name));

            var part = graph.Cut(unit.Inputs, unit.Outputs);
            Assert.Equal(unit.Layers, part.Nodes.Select(n => n.Name).Where(layers.Contains));
            Assert.Subset(part.Nodes.Select(n => n.Name).ToHashSet(), unit.Nodes.ToHashSet());
            Assert.Empty(unit.Inputs.Intersect(unit.Outputs));

            // All that others read is among the outputs, and nothing else.
            var made = part.Nodes.Where(n => unit.Nodes.Contains(n.Name)).SelectMany(n => n.Outputs).ToHashSet();
            var outside = graph.Nodes.Where(n => !unit.Nodes.Contains(n.Name) && !IsShape(graph, n));
            var read = outside.SelectMany(GraphChecker.Reads).Concat(graph.Outputs.Select(o => o.Name)).ToHashSet();
            Assert.Subset(unit.Outputs.ToHashSet(), read.Where(made.Contains).ToHashSet());
            known.UnionWith(unit.Outputs);
        }

        var rest = graph.Cut([.. known], [.. graph.Outputs.Select(o => o.Name)]);
        Assert.DoesNotContain(rest.Nodes, n => layers.Contains(n.Name));
    }

    public static string[] Layers(OnnxGraph graph) =>
        [.. LayerAnalysis.Find(graph, Networks.SampleOf(graph), Networks.Timestep).Select(l => l.Name)];

    public static IReadOnlyList<ReconstructionUnit> Find(OnnxGraph graph) =>
        BlockPartition.Find(graph, Networks.SampleOf(graph), Networks.Timestep);

    /// <summary>Kinds and numbers of layers: <c>residual 2, attention 6</c>.</summary>
    public static string Words(IEnumerable<ReconstructionUnit> units) =>
        string.Join(", ", units.Select(u => $"{u.Kind} {u.Layers.Count}"));

    private static bool IsShape(OnnxGraph graph, OnnxNode node) =>
        node.Is("Shape") && graph.Nodes.Exists(n => n.Inputs.Contains(node.Outputs[0]));
}
