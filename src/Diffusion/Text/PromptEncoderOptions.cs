using DiffusionQuant.Engine;

namespace DiffusionQuant.Diffusion;

/// <summary>How text encoders are loaded.</summary>
public sealed record PromptEncoderOptions
{
    /// <summary>On the processor, and let go when prompts are encoded.</summary>
    public static PromptEncoderOptions Default { get; } = new();

    /// <summary>Device and threads.</summary>
    public SessionSettings Session { get; init; } = SessionSettings.Default;

    /// <summary>
    /// Whether text encoders stay loaded for further prompts. They are often larger than the denoiser; by default one at a
    /// time is loaded, and let go when it has seen all prompts of a call.
    /// </summary>
    public bool KeepLoaded { get; init; }

    /// <summary>Told of each call of a text encoder, before it is made.</summary>
    public Action<PartCall>? PartCalled { get; init; }
}
