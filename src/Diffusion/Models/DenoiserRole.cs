namespace DiffusionQuant.Diffusion;

/// <summary>What an input of a denoiser is for.</summary>
public enum DenoiserRole
{
    /// <summary>x_t, the noisy sample: N,C,H,W.</summary>
    Sample,

    /// <summary>t, the timestep: one for all, or one for each sample.</summary>
    Timestep,

    /// <summary>The index of a class, one for each sample.</summary>
    ClassLabel,

    /// <summary>Hidden states of a text encoder: N,S,D.</summary>
    TextStates,

    /// <summary>A pooled text (or image) embedding: N,D.</summary>
    PooledText,

    /// <summary>SDXL's sizes and crops: N,6 or N,5.</summary>
    TimeIds,

    /// <summary>Which text tokens count: N,S.</summary>
    Mask,

    /// <summary>The guidance scale as an input (distilled models).</summary>
    Guidance,

    /// <summary>An embedding of the guidance scale that joins the timestep's (LCM): N,256.</summary>
    TimestepCondition,

    /// <summary>Positions of image or text tokens.</summary>
    PositionIds,

    /// <summary>A residual that a ControlNet adds to a block.</summary>
    ControlResidual,

    /// <summary>Channels that the graph takes behind the sample's own: the mask and the masked picture of inpainting, the
    /// picture that instructions change. They are no input of the graph but a part of the sample's.</summary>
    ExtraChannels,

    /// <summary>Anything else; it must be supplied.</summary>
    Other,
}
