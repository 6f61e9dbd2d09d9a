namespace DiffusionQuant.Diffusion;

/// <summary>Which sampler.</summary>
public enum SamplerKind
{
    /// <summary><see cref="DdimSampler"/>.</summary>
    Ddim,

    /// <summary><see cref="DdpmSampler"/>.</summary>
    Ddpm,
}
