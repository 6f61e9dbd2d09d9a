namespace DiffusionQuant.Quantization.Recipes;

/// <summary>How the timesteps of calibration's pairs (x_t, t) are chosen among the sampler's.</summary>
public enum TimestepLaw
{
    /// <summary>Drawn, each of the sampler's steps as likely as any other.</summary>
    Uniform,

    /// <summary>Evenly spaced steps of each trajectory (Q-Diffusion, Li et al. 2023, section 3.2).</summary>
    EveryK,

    /// <summary>Drawn from N(μ, σ²) towards x_0, μ = σ = 0.4·T (what the code of PTQ4DM draws).</summary>
    Normal,

    /// <summary>Drawn from N(μ, T/2), μ = 0.4·T: the distribution as PTQ4DM's paper has it (Shang et al. 2023, section 3.3).</summary>
    NormalPtq4dm,

    /// <summary>Drawn dense near x_0, as t = T·u² with a uniform u.</summary>
    Quadratic,
}
