namespace DiffusionQuant.Diffusion;

/// <summary>The points of a run over σ.</summary>
/// <param name="Sigmas">σ of each step, and behind them the one that the last step goes to.</param>
/// <param name="Timesteps">What the network is told at each step.</param>
/// <param name="InitialScale">What noise is multiplied by to become the first sample.</param>
internal sealed record SigmaGrid(double[] Sigmas, double[] Timesteps, double InitialScale)
{
    /// <summary>The number of steps.</summary>
    public int Steps => Timesteps.Length;
}

/// <summary>Families of solvers, which spread their steps in different ways.</summary>
internal enum SigmaGridStyle
{
    /// <summary>k-diffusion's: as many points as steps, not rounded, new spreads between their ends.</summary>
    Exploding,

    /// <summary>DPM-Solver's: of one point more, whole timesteps, new spreads over all trained σ.</summary>
    Multistep,
}
