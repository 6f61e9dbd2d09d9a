using System.Globalization;

namespace DiffusionQuant.Onnx;

/// <summary>Hands out names that no value or node of a graph has, nor of its subgraphs, nor was handed out before.</summary>
public sealed class UniqueNames
{
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> counters = new(StringComparer.Ordinal);

    /// <summary>Collects the names of a graph.</summary>
    public UniqueNames(OnnxGraph graph) => Collect(graph);

    /// <summary>The wanted name, or with the first free number behind it (<c>wanted_1</c>).</summary>
    public string Next(string wanted)
    {
        if (taken.Add(wanted))
        {
            return wanted;
        }

        for (var i = counters.GetValueOrDefault(wanted) + 1; ; i++)
        {
            var candidate = string.Create(CultureInfo.InvariantCulture, $"{wanted}_{i}");
            if (taken.Add(candidate))
            {
                counters[wanted] = i;
                return candidate;
            }
        }
    }

    private void Collect(OnnxGraph graph)
    {
        taken.UnionWith(graph.Inputs.Select(i => i.Name));
        taken.UnionWith(graph.Outputs.Select(o => o.Name));
        taken.UnionWith(graph.Initializers.Keys);
        foreach (var node in graph.Nodes)
        {
            taken.Add(node.Name);
            taken.UnionWith(node.Outputs);
            foreach (var subgraph in GraphChecker.Subgraphs(node))
            {
                Collect(subgraph);
            }
        }
    }
}
