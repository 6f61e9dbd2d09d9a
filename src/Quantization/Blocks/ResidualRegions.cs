namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// Finds residual regions: additions where one summand comes from a value over a shortcut (no layer, or one projection),
/// and another depends on the same value.
/// </summary>
internal sealed class ResidualRegions(StreamFlow flow)
{
    /// <summary>The regions, those of few nodes first: what lies in another comes before it.</summary>
    public IReadOnlyList<ResidualRegion> Find()
    {
        var found = new List<ResidualRegion>();
        for (var v = flow.Data.Inputs; v < flow.Data.Count; v++)
        {
            if (IsJoin(v) && At(v) is { } region)
            {
                found.Add(region);
            }
        }

        return [.. found.OrderBy(r => r.Members.Count).ThenBy(r => r.Join)];
    }

    /// <summary>Additions of two streams; a mask that is added to an attention's scores joins nothing.</summary>
    private bool IsJoin(int vertex) =>
        flow.Data.Node(vertex).OpType
            is "Add"
                or "Sub"
                or "Sum"
                or "SkipLayerNormalization"
                or "SkipSimplifiedLayerNormalization"
                or "SkipGroupNorm"
        && flow.Sources(vertex).Skip(1).Any()
        && !flow.IsScore(vertex);

    private ResidualRegion? At(int join)
    {
        ResidualRegion? best = null;
        var summands = flow.Sources(join).ToArray();
        foreach (var shortcut in summands)
        {
            var branch = new VertexSet(flow.Data.Count);
            foreach (var other in summands.Where(s => s != shortcut))
            {
                branch.UnionWith(flow.Ancestors(other));
            }

            if (Between(shortcut, branch, join) is { } region && !(best?.Members.Count <= region.Members.Count))
            {
                best = region;
            }
        }

        return best;
    }

    private ResidualRegion? Between(int shortcut, VertexSet branch, int join)
    {
        var (entries, projections) = WalkUp(shortcut, branch);
        if (entries.Count == 0)
        {
            return null;
        }

        var before = new VertexSet(flow.Data.Count);
        var starts = new VertexSet(flow.Data.Count);
        foreach (var entry in entries)
        {
            before.UnionWith(flow.Ancestors(entry));
            starts.Add(entry);
        }

        var members = flow.Ancestors(join).Except(before).Where(v => flow.Ancestors(v).Overlaps(starts)).ToHashSet();
        var layers = members.Count(v => flow.Data.IsLayer(v) && !projections.Contains(v));

        // A sum of linear maps is one linear map, written as two (a low-rank adapter, split channels), and not a block. One
        // layer beside a projection modulates what the other makes.
        return
            layers > (projections.Count > 0 ? 1 : 0)
            && members.Any(v => flow.IsProduct(v) || !(flow.Data.IsLayer(v) || flow.IsLinear(v)))
            ? new(entries, join, members)
            : null;
    }

    /// <summary>
    /// The nearest vertices above a shortcut that the branch depends on too, over no layer or one projection; and the
    /// projections on the ways there.
    /// </summary>
    private (HashSet<int> Entries, HashSet<int> Projections) WalkUp(int shortcut, VertexSet branch)
    {
        var entries = new HashSet<int>();
        var projections = new HashSet<int>();
        var seen = new HashSet<(int, int)>();
        var pending = new Stack<(int Vertex, int Projection)>([(shortcut, -1)]);
        while (pending.TryPop(out var at))
        {
            if (!seen.Add(at))
            {
                continue;
            }

            var (vertex, projection) = at;
            if (branch.Contains(vertex))
            {
                entries.Add(vertex);
                if (projection >= 0)
                {
                    projections.Add(projection);
                }

                continue;
            }

            if (projection < 0 && flow.IsProjection(vertex))
            {
                projection = vertex;
            }
            else if (!flow.IsLinear(vertex))
            {
                continue;
            }

            foreach (var source in flow.Sources(vertex))
            {
                pending.Push((source, projection));
            }
        }

        return (entries, projections);
    }
}
