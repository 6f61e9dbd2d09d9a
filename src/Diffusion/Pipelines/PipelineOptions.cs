using DiffusionQuant.Engine;

namespace DiffusionQuant.Diffusion;

/// <summary>How a pipeline loads its model.</summary>
public sealed record PipelineOptions
{
    /// <summary>On the processor, with all that the model's files say.</summary>
    public static PipelineOptions Default { get; } = new();

    /// <summary>Device and threads.</summary>
    public SessionSettings Session { get; init; } = SessionSettings.Default;

    /// <summary>Whether text encoders stay loaded for further prompts. They are often larger than the denoiser; by default one
    /// at a time is loaded when a prompt needs it, and let go of.</summary>
    public bool KeepTextEncoders { get; init; }

    /// <summary>Cells of the side of a tile in which the VAE decoder makes larger pictures, so that its memory is bounded: 64 is
    /// usual. Null for all at once. Neighbours are blended; the picture differs a little from one that is decoded at once.</summary>
    public int? DecoderTileSize { get; init; }

    /// <summary>Whether the VAE decoder computes in float32 whatever its file says: one of float16 may overflow, and give a black
    /// picture (DQ1066).</summary>
    public bool DecoderInFloat32 { get; init; }

    /// <summary>Told of each call of a text encoder, VAE decoder or VAE encoder, before it is made: what such a part is
    /// calibrated on.</summary>
    public Action<PartCall>? PartCalled { get; init; }

    /// <summary>What the model's files leave open.</summary>
    public ModelOptions Model { get; init; } = ModelOptions.Default;
}
