namespace DiffusionQuant.Quantization.Blocks;

/// <summary>Makes reconstruction units of drafts: each layer in one, none left and entered again, in an order to compute them.</summary>
internal sealed class UnitAssembler
{
    private readonly DataFlow data;
    private readonly UnitDraft?[] owners;

    private UnitAssembler(DataFlow data, IEnumerable<UnitDraft> drafts)
    {
        this.data = data;
        owners = new UnitDraft?[data.Count];
        foreach (var draft in drafts)
        {
            foreach (var v in draft.Members)
            {
                owners[v] = draft;
            }
        }
    }

    /// <summary>The units, in topological order. Those without a name are called after nothing yet.</summary>
    public static IReadOnlyList<ReconstructionUnit> Assemble(DataFlow data, IEnumerable<UnitDraft> drafts)
    {
        var assembler = new UnitAssembler(data, drafts);
        assembler.Fill();
        assembler.AddSingleLayers();
        return [.. assembler.Order().Select(assembler.Unit)];
    }

    /// <summary>Takes into a unit what lies between two nodes of it and belongs to none.</summary>
    private void Fill()
    {
        foreach (var draft in owners.OfType<UnitDraft>().Distinct().ToArray())
        {
            var members = draft.Members;
            var behind = new HashSet<int>();
            for (var v = members.Min(); v < members.Max(); v++)
            {
                if (owners[v] is null && data.Needs(v).Any(n => owners[n] == draft || behind.Contains(n)))
                {
                    behind.Add(v);
                }
            }

            var before = new HashSet<int>();
            foreach (var v in behind.OrderDescending())
            {
                if (data.Readers(v).Any(r => owners[r] == draft || before.Contains(r)))
                {
                    before.Add(v);
                }
            }

            foreach (var v in before)
            {
                owners[v] = draft;
                members.Add(v);
            }
        }
    }

    private void AddSingleLayers()
    {
        for (var v = data.Inputs; v < data.Count; v++)
        {
            if (owners[v] is null && data.IsLayer(v))
            {
                owners[v] = Single(v);
            }
        }
    }

    private UnitDraft Single(int layer)
    {
        var draft = new UnitDraft(BlockKind.Layer) { Name = data.Node(layer).Name };
        draft.Members.Add(layer);
        return draft;
    }

    private void Dissolve(UnitDraft draft)
    {
        foreach (var v in draft.Members)
        {
            owners[v] = data.IsLayer(v) ? Single(v) : null;
        }
    }

    /// <summary>Sorts units; one that stands in the way of an order is given up, and its layers stand alone.</summary>
    private List<UnitDraft> Order()
    {
        foreach (var draft in owners.OfType<UnitDraft>().Distinct().ToArray())
        {
            if (!draft.Members.Any(data.IsLayer) || !Convexity.Holds(data, draft.Members))
            {
                Dissolve(draft);
            }
        }

        while (true)
        {
            var groups = new UnitOrder(data, owners);
            if (groups.TrySort() is { } sorted)
            {
                return sorted;
            }

            // Each of two units can be fine, and both need the other's values.
            Dissolve(groups.Cyclic().MaxBy(u => u.Members.Count)!);
        }
    }

    private ReconstructionUnit Unit(UnitDraft draft)
    {
        var members = draft.Members.Order().ToArray();
        var made = members.SelectMany(v => data.Node(v).Outputs).ToHashSet(StringComparer.Ordinal);
        var inputs = members.SelectMany(data.Reads).Where(r => !made.Contains(r)).Distinct(StringComparer.Ordinal);
        return new(
            draft.Name ?? "",
            draft.Kind,
            [.. members.Where(data.IsLayer).Select(v => data.Node(v).Name)],
            [.. inputs],
            [.. members.SelectMany(v => data.Node(v).Outputs.Where(o => IsReadOutside(draft, v, o)))]
        )
        {
            Nodes = [.. members.Select(v => data.Node(v).Name)],
        };
    }

    private bool IsReadOutside(UnitDraft draft, int vertex, string value)
    {
        if (value.Length == 0)
        {
            return false;
        }

        // What nobody needs can still be computed.
        var dead = data.IsLayer(vertex) && data.Readers(vertex).Count == 0;
        return dead
            || data.IsOutput(value)
            || data.Readers(vertex).Any(r => owners[r] != draft && data.Reads(r).Contains(value));
    }
}
