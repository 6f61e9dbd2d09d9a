using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>Which images are sampled and at which of their steps samples are taken.</summary>
/// <param name="Images">The number of trajectories.</param>
/// <param name="Timesteps">The timesteps at which samples are taken, in sampling order.</param>
public sealed record CalibrationSchedule(int Images, IReadOnlyList<int> Timesteps)
{
    /// <summary>Q-Diffusion (Li et al. 2023) takes 20 steps of each trajectory, Stable Diffusion 25.</summary>
    private const int MostTimesteps = 25;

    /// <summary>
    /// Spreads the wanted number of pairs over as few trajectories as give each observed timestep its share: the
    /// observed steps are evenly spaced over the sampler's grid and include its first.
    /// </summary>
    /// <param name="grid">The sampler's timesteps.</param>
    /// <param name="samples">The wanted number of pairs (x_t, t); rounded up to whole trajectories.</param>
    public static CalibrationSchedule Of(TimestepGrid grid, int samples)
    {
        var observed = Math.Min(Math.Min(MostTimesteps, grid.Count), samples);
        var timesteps = Enumerable
            .Range(0, observed)
            .Select(i => grid.Timesteps[(int)((long)i * grid.Count / observed)]);
        return new((samples + observed - 1) / observed, [.. timesteps]);
    }
}
