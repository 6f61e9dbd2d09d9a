namespace DiffusionQuant.Quantization.Blocks;

/// <summary>What lies between the value that a residual branch begins at and the addition where it joins its shortcut.</summary>
/// <param name="Entries">The vertices whose values branch and shortcut begin with; they are outside.</param>
/// <param name="Join">The addition.</param>
/// <param name="Members">The vertices of branch and shortcut, the join included.</param>
internal sealed record ResidualRegion(IReadOnlySet<int> Entries, int Join, IReadOnlySet<int> Members);
