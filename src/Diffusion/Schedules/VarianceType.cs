namespace DiffusionQuant.Diffusion;

/// <summary>The variance of the noise that an ancestral (DDPM) step adds.</summary>
public enum VarianceType
{
    /// <summary>β̃ = (1−ᾱ_prev)/(1−ᾱ)·β, the posterior's for a fixed x0 (Ho et al. 2020, equation 7).</summary>
    FixedSmall,

    /// <summary>β (Ho et al. 2020, section 3.2: the upper bound).</summary>
    FixedLarge,

    /// <summary>The network's second half of channels is the variance itself, as diffusers takes it.</summary>
    Learned,

    /// <summary>The network's second half of channels, −1 to 1, interpolates log β̃ to log β (Nichol and Dhariwal 2021,
    /// equation 15).</summary>
    LearnedRange,
}
