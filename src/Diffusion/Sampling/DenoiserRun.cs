using DiffusionQuant.Engine;

namespace DiffusionQuant.Diffusion;

/// <summary>One run of a denoiser's session, as <see cref="OnnxDenoiser"/> shows it to an observer.</summary>
/// <param name="Call">What it ran with: the whole call, or some of its rows where the graph fixes the batch size or takes one
/// timestep only.</param>
/// <param name="Outputs">The prediction and the extra outputs; disposed when the observer returns.</param>
/// <param name="Rows">The numbers of its rows in the whole call; rows behind these only fill a fixed batch, repeating the last.</param>
public readonly record struct DenoiserRun(DenoiserCall Call, TensorSet Outputs, IReadOnlyList<int> Rows)
{
    /// <summary>How many rows at the end only fill a fixed batch.</summary>
    public int PaddedRows => Call.Count - Rows.Count;
}
