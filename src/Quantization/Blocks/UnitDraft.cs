namespace DiffusionQuant.Quantization.Blocks;

/// <summary>A unit while it is put together.</summary>
internal sealed class UnitDraft(BlockKind kind)
{
    public BlockKind Kind { get; set; } = kind;

    /// <summary>Its name where that is known already; otherwise null.</summary>
    public string? Name { get; init; }

    /// <summary>Its vertices.</summary>
    public HashSet<int> Members { get; } = [];

    /// <summary>Where its residual branches begin; outside of it unless an earlier branch of it ends there.</summary>
    public HashSet<int> Entries { get; } = [];

    /// <summary>Where its residual branches end.</summary>
    public List<int> Joins { get; } = [];

    public void Add(UnitDraft other)
    {
        Members.UnionWith(other.Members);
        Entries.UnionWith(other.Entries);
        Joins.AddRange(other.Joins);
    }
}
