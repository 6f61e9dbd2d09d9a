namespace DiffusionQuant.Quantization.Plan;

/// <summary>
/// The factors by which a point's step size is larger or smaller at some timesteps: the graph divides by the factor before
/// the point and multiplies by it behind the layer, so that the point itself keeps one scale for all timesteps.
/// </summary>
/// <param name="Timesteps">A timestep of each group, the noisiest first; a timestep belongs to the group that is nearest.</param>
/// <param name="Factors">The factor of each group; positive.</param>
public sealed record TimestepTable(IReadOnlyList<int> Timesteps, IReadOnlyList<float> Factors);
