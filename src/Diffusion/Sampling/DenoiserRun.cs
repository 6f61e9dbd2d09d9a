using DiffusionQuant.Engine;

namespace DiffusionQuant.Diffusion;

/// <summary>One run of a denoiser's session, as <see cref="OnnxDenoiser"/> shows it to an observer.</summary>
/// <param name="Call">What it ran with: the whole call, or some of its rows where the graph fixes the batch size or takes one
/// timestep only.</param>
/// <param name="Outputs">The prediction and the extra outputs; disposed when the observer returns.</param>
/// <param name="PaddedRows">How many rows at the end only fill a fixed batch, repeating the last.</param>
public readonly record struct DenoiserRun(DenoiserCall Call, TensorSet Outputs, int PaddedRows);
