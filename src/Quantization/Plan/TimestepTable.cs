namespace DiffusionQuant.Quantization.Plan;

/// <summary>
/// The factors by which a point's step size is larger or smaller at some timesteps: the graph divides by the factor before
/// the point and multiplies by it behind the layer, so that the point itself keeps one scale for all timesteps.
/// </summary>
/// <param name="Timesteps">A timestep of each group, the noisiest first; a timestep belongs to the group that is nearest.</param>
/// <param name="Factors">The factor of each group; positive.</param>
public sealed record TimestepTable(IReadOnlyList<double> Timesteps, IReadOnlyList<float> Factors);

/// <summary>What a column of factors in the graph is made of.</summary>
public enum TimestepFactorKind
{
    /// <summary>1/f: what a value is multiplied by before it is rounded.</summary>
    Inverse,

    /// <summary>The product of the inputs' factors: what a layer's output is multiplied by.</summary>
    Factor,

    /// <summary>One less that product: what the layer's bias is multiplied by behind it.</summary>
    Rest,
}

/// <summary>A column of a constant of the graph that follows from points' factors.</summary>
/// <param name="Constant">The constant's name; its shape is [groups, columns, 1, …], the timesteps ascending.</param>
/// <param name="Column">The column.</param>
/// <param name="Kind">How it follows.</param>
/// <param name="Points">From whose factors.</param>
public sealed record TimestepColumn(
    string Constant,
    int Column,
    TimestepFactorKind Kind,
    IReadOnlyList<ActivationPoint> Points
);
