namespace DiffusionQuant.Diffusion;

/// <summary>Stands in for the options of the run-time library.</summary>
public sealed record PipelineOptions;
