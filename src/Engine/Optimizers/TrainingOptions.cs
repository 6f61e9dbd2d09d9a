namespace DiffusionQuant.Engine.Optimizers;

/// <summary>What a step of training does besides computing gradients and Adam's update.</summary>
public sealed record TrainingOptions
{
    /// <summary>Float values of the graph to show besides the loss.</summary>
    public IReadOnlyList<string> Observed { get; init; } = [];

    /// <summary>
    /// The longest gradient that passes unchanged: the gradients of all parameters are multiplied by
    /// min(1, clip/(‖g‖ + 10⁻⁶)), where ‖g‖ is the norm of all of them as one vector. Null for no clipping.
    /// </summary>
    public float? GradientClip { get; init; }

    /// <summary>
    /// The decay d of a moving average that is kept of each parameter: a ← d'·a + (1 − d')·p behind each step, with
    /// d' = min(d, (1 + step)/(10 + step)) so that the first values are soon forgotten. Null for no averages.
    /// </summary>
    public float? AverageDecay { get; init; }

    /// <summary>
    /// How many runs make one step: gradients are averaged over as many batches before parameters change. More than 1
    /// costs memory for one more tensor of each parameter, and none where it is 1.
    /// </summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Whether values of the forward pass are computed again for the backward pass; null to keep them all.</summary>
    public Recomputation? Recomputation { get; init; }
}
