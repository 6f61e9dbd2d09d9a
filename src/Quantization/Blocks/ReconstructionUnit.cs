namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// A part of a network whose layers are optimised together, so that the part's outputs come close to the float model's.
/// No path leaves a unit and enters it again: its outputs can be computed from its inputs alone.
/// </summary>
/// <param name="Name">A name for people, unique among a graph's units.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Layers">The names of its layers' nodes, in topological order.</param>
/// <param name="Inputs">The values that it reads and does not make: inputs of the graph and outputs of other nodes. What
/// follows from constants and shapes alone is none, but the value whose shape is read is one.</param>
/// <param name="Outputs">Its values that are read outside of it, or are outputs of the graph.</param>
public sealed record ReconstructionUnit(
    string Name,
    BlockKind Kind,
    IReadOnlyList<string> Layers,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs
)
{
    /// <summary>The names of all its nodes, in topological order; nodes that compute with shapes or constants alone belong
    /// to no unit.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];
}
