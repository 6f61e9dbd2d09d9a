namespace DiffusionQuant.Diffusion;

/// <summary>What the network's output means.</summary>
public enum PredictionType
{
    /// <summary>The noise ε in x_t = √ᾱ·x0 + √(1−ᾱ)·ε (Ho et al. 2020).</summary>
    Epsilon,

    /// <summary>The velocity v = √ᾱ·ε − √(1−ᾱ)·x0 (Salimans and Ho 2022, appendix D).</summary>
    Velocity,

    /// <summary>The clean sample x0.</summary>
    Sample,

    /// <summary>The velocity u = ε − x0 of a straight line from sample to noise (Liu et al. 2022, "Rectified Flow").</summary>
    Flow,
}
