namespace DiffusionQuant.Diffusion;

/// <summary>How β_t, the variance of the noise that step t of the forward process adds, runs over the timesteps.</summary>
public enum BetaSchedule
{
    /// <summary>β linear from <c>beta_start</c> to <c>beta_end</c> (Ho et al. 2020, section 4).</summary>
    Linear,

    /// <summary>√β linear (latent diffusion, Stable Diffusion).</summary>
    ScaledLinear,

    /// <summary>ᾱ a squared cosine, β at most 0.999 (Nichol and Dhariwal 2021, equation 17).</summary>
    SquaredCosine,

    /// <summary>β a sigmoid from <c>beta_start</c> to <c>beta_end</c> over −6 to 6 (GeoDiff).</summary>
    Sigmoid,
}
