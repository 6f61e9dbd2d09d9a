using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// Writes units into the metadata of their nodes and reads them back from there, so that they outlast rewritings of the
/// graph, which hide how paths join.
/// </summary>
public static class BlockTags
{
    /// <summary>The key under which a node's metadata has the name of its unit.</summary>
    public const string Key = "diffusionquant.block";

    /// <summary>The key under which a node's metadata has the kind of its unit.</summary>
    public const string KindKey = "diffusionquant.block-kind";

    /// <summary>Tags the nodes of units; tags of an earlier partition are removed.</summary>
    /// <param name="graph">The graph; its nodes' metadata are changed in place.</param>
    /// <param name="units">Its units.</param>
    public static void Apply(OnnxGraph graph, IReadOnlyList<ReconstructionUnit> units)
    {
        var unitOf = units
            .SelectMany(u => u.Nodes.Select(n => (Node: n, Unit: u)))
            .ToDictionary(p => p.Node, p => p.Unit, StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            node.Metadata.RemoveAll(m => m.Key is Key or KindKey);
            if (unitOf.TryGetValue(node.Name, out var unit))
            {
                node.Metadata.Add(new(Key, unit.Name));
                node.Metadata.Add(new(KindKey, unit.Kind.ToString()));
            }
        }
    }

    /// <summary>
    /// The units of a graph whose nodes were tagged, in an order in which they can be computed. Nodes that a rewriting put
    /// between nodes of one unit count as part of it, other layers without a tag are units of their own; so are the layers
    /// of a unit that can no longer be computed as a whole.
    /// </summary>
    /// <param name="graph">The graph as it is now; its nodes have unique names.</param>
    /// <param name="layers">The names of the nodes that are layers.</param>
    public static IReadOnlyList<ReconstructionUnit> Read(OnnxGraph graph, IEnumerable<string> layers)
    {
        var data = new DataFlow(graph, layers.ToHashSet(StringComparer.Ordinal));
        var drafts = new Dictionary<string, UnitDraft>(StringComparer.Ordinal);
        for (var v = data.Inputs; v < data.Count; v++)
        {
            var metadata = data.Node(v).Metadata;
            if (metadata.Find(m => m.Key == Key).Value is not { } name)
            {
                continue;
            }

            if (!drafts.TryGetValue(name, out var draft))
            {
                var kind = Enum.TryParse<BlockKind>(metadata.Find(m => m.Key == KindKey).Value, out var known)
                    ? known
                    : BlockKind.Layer;
                drafts[name] = draft = new(kind) { Name = name };
            }

            draft.Members.Add(v);
        }

        return UnitNames.Distinguish(UnitAssembler.Assemble(data, drafts.Values));
    }
}
