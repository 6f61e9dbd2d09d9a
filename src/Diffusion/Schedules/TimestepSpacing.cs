namespace DiffusionQuant.Diffusion;

/// <summary>How n sampled timesteps are spread over the T trained ones (Lin et al. 2024, table 2).</summary>
public enum TimestepSpacing
{
    /// <summary>Multiples of ⌊T/n⌋ from 0, plus <c>steps_offset</c>: the last trained timestep is not sampled.</summary>
    Leading,

    /// <summary>n rounded numbers from T−1 to 0, both included.</summary>
    Linspace,

    /// <summary>Steps of T/n down from T, rounded, less 1: starts at T−1.</summary>
    Trailing,
}
