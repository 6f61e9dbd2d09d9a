namespace DiffusionQuant.Diffusion;

/// <summary>What decides, with the model, which images a run makes.</summary>
public sealed record TrajectorySettings
{
    /// <summary>DDIM over 50 steps, seed 0.</summary>
    public static TrajectorySettings Default { get; } = new();

    /// <summary>The sampler and its timesteps.</summary>
    public SamplerSettings Sampler { get; init; } = SamplerSettings.Default;

    /// <summary>The seed; image k's noise and class depend on it and on k alone.</summary>
    public ulong Seed { get; init; }

    /// <summary>Values for inputs that cannot be made up.</summary>
    public ConditioningSet Conditioning { get; init; } = ConditioningSet.Empty;

    /// <summary>Labels in place of drawn ones: image k takes entry k modulo their number.</summary>
    public IReadOnlyList<int>? ClassLabels { get; init; }

    /// <summary>s in classifier-free guidance, u + s·(c − u) (Ho and Salimans 2022, equation 6 with s = 1 + w); 1 for none.</summary>
    public double GuidanceScale { get; init; } = 1;

    /// <summary>A picture to start from, as latents; null to start from noise alone.</summary>
    public StartingPicture? Start { get; init; }

    /// <summary>φ, the share by which guided outputs are brought back to the deviation of conditional ones; 0 for none (Lin et
    /// al. 2024, section 3.4).</summary>
    public double GuidanceRescale { get; init; }
}
