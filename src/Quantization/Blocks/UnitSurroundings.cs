namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// What serves one unit alone and belongs to no residual branch: its units' inputs become those values that others know
/// too. The joined channels that a block begins with, the form that a time embedding is brought into, keys and values that
/// an attention takes from the text.
/// </summary>
internal sealed class UnitSurroundings(StreamFlow flow, IReadOnlyDictionary<int, UnitDraft> owners)
{
    private readonly DataFlow data = flow.Data;

    /// <summary>The vertices to add to a unit. None of them lets a path leave the unit and come back.</summary>
    public IEnumerable<int> Of(UnitDraft unit)
    {
        if (unit.Kind is BlockKind.TimeEmbedding)
        {
            return [];
        }

        var added = new HashSet<int>();
        AddScaling(unit, added);
        AddSides(unit, added);
        return added;
    }

    /// <summary>A factor on a block's result that all readers share.</summary>
    private void AddScaling(UnitDraft unit, HashSet<int> added)
    {
        foreach (var join in unit.Joins)
        {
            if (
                !data.MakesOutput(join)
                && data.Readers(join) is [var reader]
                && !owners.ContainsKey(reader)
                && data.Node(reader).OpType is "Mul" or "Div"
                && data.Needs(reader).Count() == 1
                && flow.IsLinear(reader)
            )
            {
                added.Add(reader);
            }
        }
    }

    private void AddSides(UnitDraft unit, HashSet<int> added)
    {
        // The longest way, in layers, from a vertex that was added to the unit's own.
        var layers = new Dictionary<int, int>();
        for (var v = unit.Members.Max() - 1; v >= data.Inputs; v--)
        {
            if (
                owners.ContainsKey(v)
                || added.Contains(v)
                || data.Readers(v).Count == 0
                || data.MakesOutput(v)
                || !data.Readers(v).All(r => unit.Members.Contains(r) || layers.ContainsKey(r))
            )
            {
                continue;
            }

            var depth = data.Readers(v).Max(r => layers.GetValueOrDefault(r)) + (data.IsLayer(v) ? 1 : 0);
            if (IsForm(v) || (unit.Kind is not BlockKind.Residual && depth <= 1 && !LeadsToEntry(unit, v)))
            {
                layers[v] = depth;
            }
        }

        added.UnionWith(layers.Keys);
    }

    /// <summary>Whether a vertex only brings one value into another form, or joins values.</summary>
    private bool IsForm(int vertex) =>
        flow.IsLinear(vertex) && (data.Node(vertex).Is("Concat") || data.Sources(vertex).Count() == 1);

    private bool LeadsToEntry(UnitDraft unit, int vertex) =>
        unit.Entries.Any(e => !unit.Members.Contains(e) && flow.Ancestors(e).Contains(vertex));
}
