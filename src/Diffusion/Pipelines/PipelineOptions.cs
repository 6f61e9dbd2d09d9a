using DiffusionQuant.Engine;

namespace DiffusionQuant.Diffusion;

/// <summary>How a pipeline loads its model.</summary>
public sealed record PipelineOptions
{
    /// <summary>On the processor, with all that the model's files say.</summary>
    public static PipelineOptions Default { get; } = new();

    /// <summary>Device and threads.</summary>
    public SessionSettings Session { get; init; } = SessionSettings.Default;

    /// <summary>What the model's files leave open.</summary>
    public ModelOptions Model { get; init; } = ModelOptions.Default;
}
