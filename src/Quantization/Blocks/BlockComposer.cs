namespace DiffusionQuant.Quantization.Blocks;

/// <summary>Makes units of residual regions: chooses among nested ones, and puts those together that are one block.</summary>
internal sealed class BlockComposer(StreamFlow flow)
{
    private readonly DataFlow data = flow.Data;
    private readonly Dictionary<int, UnitDraft> owners = [];
    private readonly List<UnitDraft> units = [];

    public IReadOnlyList<UnitDraft> Compose()
    {
        foreach (var region in new ResidualRegions(flow).Find())
        {
            Take(region);
        }

        foreach (var unit in units.OrderBy(u => u.Joins.Min()).ToArray())
        {
            ComposeTransformer(unit);
        }

        AddTimeEmbedding();
        foreach (var unit in units)
        {
            Own(unit, new UnitSurroundings(flow, owners).Of(unit));
        }

        return units;
    }

    /// <summary>
    /// Takes a region as a unit, innermost first. One that holds other units (a residual around the whole network, or around
    /// a transformer and its projections) is none: its layers stay single.
    /// </summary>
    private void Take(ResidualRegion region)
    {
        var draft = new UnitDraft(HasAttention(region.Members) ? BlockKind.Attention : BlockKind.Residual);
        draft.Members.UnionWith(region.Members);
        draft.Entries.UnionWith(region.Entries);
        draft.Joins.Add(region.Join);
        var met = region.Members.Where(owners.ContainsKey).Select(v => owners[v]).Distinct().ToArray();
        if (met.Length == 0)
        {
            units.Add(draft);
            Own(draft, []);
            return;
        }

        if (met is not [var unit] || !(IsParallel(unit, region) || IsJoint(unit, region)))
        {
            return;
        }

        var more = region.Members.Where(v => !unit.Members.Contains(v)).ToArray();
        if (!IsConvex(unit.Members.Concat(more).ToHashSet()))
        {
            return;
        }

        // An attention and a feed-forward network beside each other.
        unit.Kind =
            draft.Kind == BlockKind.Attention && IsParallel(unit, region) && Array.Exists(more, flow.IsFeedForward)
                ? BlockKind.Transformer
            : unit.Kind == BlockKind.Residual ? draft.Kind
            : unit.Kind;
        unit.Add(draft);
        Own(unit, more);
    }

    /// <summary>Branches side by side, which begin at the same value and are added one after the other.</summary>
    private bool IsParallel(UnitDraft unit, ResidualRegion region) =>
        unit.Entries.IsSupersetOf(region.Entries)
        && !region.Members.Any(v =>
            data.IsLayer(v) && !unit.Members.Contains(v) && unit.Joins.Exists(j => flow.Ancestors(v).Contains(j))
        );

    /// <summary>Streams that go through one attention together, each with a shortcut of its own.</summary>
    private bool IsJoint(UnitDraft unit, ResidualRegion region) =>
        !region.Members.IsSupersetOf(unit.Members)
        && region.Members.Any(v => unit.Members.Contains(v) && (flow.IsProduct(v) || flow.IsFusedAttention(v)));

    /// <summary>One product of streams behind another, with or without a Softmax between them; or both in one node.</summary>
    private bool HasAttention(IReadOnlySet<int> members)
    {
        if (members.Any(flow.IsFusedAttention))
        {
            return true;
        }

        var products = members.Where(flow.IsProduct).ToArray();
        return Array.Exists(products, p => Array.Exists(products, q => p != q && flow.Ancestors(p).Contains(q)));
    }

    /// <summary>
    /// Attentions that follow one another without a layer between them, and the feed-forward networks behind the last,
    /// are one transformer block. Attentions without such an end, as those of U-Nets on pixels, stay as they are.
    /// </summary>
    private void ComposeTransformer(UnitDraft first)
    {
        if (first.Kind != BlockKind.Attention || !units.Contains(first))
        {
            return;
        }

        var chain = new List<UnitDraft> { first };
        while (
            units.Find(u => u.Kind == BlockKind.Attention && !chain.Contains(u) && Follows(u, chain[^1])) is { } next
        )
        {
            chain.Add(next);
        }

        var ends = units.FindAll(u => IsFeedForward(u) && Follows(u, chain[^1]));
        chain.AddRange(ends);
        var whole = new UnitDraft(BlockKind.Transformer);
        foreach (var part in chain)
        {
            whole.Add(part);
        }

        foreach (var part in chain.Skip(1))
        {
            whole.Members.UnionWith(part.Entries.SelectMany(e => Between(chain, e)));
        }

        if (ends.Count == 0 || !IsConvex(whole.Members))
        {
            return;
        }

        units.RemoveAll(chain.Contains);
        units.Add(whole);
        Own(whole, []);
    }

    private bool IsFeedForward(UnitDraft unit) =>
        unit.Kind == BlockKind.Residual && unit.Members.Where(data.IsLayer).All(flow.IsFeedForward);

    private bool Follows(UnitDraft unit, UnitDraft earlier) =>
        unit.Entries.All(e => earlier.Joins.Contains(e) || Between([earlier], e).Count > 0);

    /// <summary>
    /// What lies between earlier units' joins and an entry, the entry included: normalisation or data movement on the way
    /// from one to the next. Empty when there is more than that, or another way to the entry.
    /// </summary>
    private List<int> Between(List<UnitDraft> earlier, int entry)
    {
        var result = new List<int>();
        var seen = new HashSet<int>();
        var pending = new Stack<int>([entry]);
        while (pending.TryPop(out var v))
        {
            if (earlier.Exists(u => u.Joins.Contains(v)) || !seen.Add(v))
            {
                continue;
            }

            if (v < data.Inputs || data.IsLayer(v) || owners.ContainsKey(v))
            {
                return [];
            }

            result.Add(v);
            foreach (var source in flow.Sources(v))
            {
                pending.Push(source);
            }
        }

        return result;
    }

    /// <summary>All layers that depend on the timestep alone, or on it and other vectors, with all that leads to them.</summary>
    private void AddTimeEmbedding()
    {
        var unit = new UnitDraft(BlockKind.TimeEmbedding);
        var pending = new Stack<int>(Enumerable.Range(0, data.Count).Where(v => data.IsLayer(v) && flow.IsTimed(v)));
        while (pending.TryPop(out var v))
        {
            if (v >= data.Inputs && !flow.IsStream(v) && unit.Members.Add(v))
            {
                foreach (var source in data.Sources(v))
                {
                    pending.Push(source);
                }
            }
        }

        if (unit.Members.Count > 0)
        {
            units.Add(unit);
            Own(unit, []);
        }
    }

    private void Own(UnitDraft unit, IEnumerable<int> more)
    {
        unit.Members.UnionWith(more);
        foreach (var v in unit.Members)
        {
            owners[v] = unit;
        }
    }

    private bool IsConvex(IReadOnlySet<int> members) => Convexity.Holds(data, members);
}
