namespace DiffusionQuant.Quantization.Blocks;

/// <summary>The order in which units, and the nodes that belong to none, can be computed.</summary>
internal sealed class UnitOrder
{
    private readonly List<(int First, UnitDraft? Draft)> groups = [];
    private readonly List<HashSet<int>> needs = [];
    private readonly List<HashSet<int>> readers = [];

    public UnitOrder(DataFlow data, UnitDraft?[] owners)
    {
        var group = new int[data.Count];
        var known = new Dictionary<UnitDraft, int>();
        for (var v = 0; v < data.Count; v++)
        {
            if (owners[v] is not { } draft)
            {
                group[v] = Add(v, null);
            }
            else if (!known.TryGetValue(draft, out group[v]))
            {
                known[draft] = group[v] = Add(v, draft);
            }
        }

        for (var v = 0; v < data.Count; v++)
        {
            foreach (var reader in data.Readers(v).Select(r => group[r]).Where(g => g != group[v]))
            {
                needs[reader].Add(group[v]);
                readers[group[v]].Add(reader);
            }
        }
    }

    /// <summary>The units in topological order, earlier nodes first where it is free; null when there is none.</summary>
    public List<UnitDraft>? TrySort()
    {
        var result = new List<UnitDraft>();
        var done = Strip(needs, readers, result);
        return done.Count == groups.Count ? result : null;
    }

    /// <summary>The units of more than one node that lie on or between cycles.</summary>
    public IEnumerable<UnitDraft> Cyclic()
    {
        var outside = Strip(needs, readers, []);
        outside.UnionWith(Strip(readers, needs, []));
        return groups.Where((g, i) => !outside.Contains(i) && g.Draft?.Members.Count > 1).Select(g => g.Draft!);
    }

    private int Add(int first, UnitDraft? draft)
    {
        groups.Add((first, draft));
        needs.Add([]);
        readers.Add([]);
        return groups.Count - 1;
    }

    /// <summary>Takes groups away as long as there is one that needs no other.</summary>
    private HashSet<int> Strip(List<HashSet<int>> from, List<HashSet<int>> to, List<UnitDraft> order)
    {
        var open = from.Select(n => n.Count).ToArray();
        var done = new HashSet<int>();
        var ready = new PriorityQueue<int, int>();
        for (var g = 0; g < groups.Count; g++)
        {
            if (open[g] == 0)
            {
                ready.Enqueue(g, groups[g].First);
            }
        }

        while (ready.TryDequeue(out var g, out _))
        {
            done.Add(g);
            if (groups[g].Draft is { } draft)
            {
                order.Add(draft);
            }

            foreach (var next in to[g])
            {
                if (--open[next] == 0)
                {
                    ready.Enqueue(next, groups[next].First);
                }
            }
        }

        return done;
    }
}
