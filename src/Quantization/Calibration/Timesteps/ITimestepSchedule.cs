using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>Spreads pairs (x_t, t) over trajectories and their steps by a law of t.</summary>
internal interface ITimestepSchedule
{
    /// <summary>Makes the schedule.</summary>
    /// <param name="grid">The sampler's timesteps.</param>
    /// <param name="trainTimesteps">T.</param>
    /// <param name="pairs">The wanted number of pairs.</param>
    CalibrationSchedule Make(IReadOnlyList<double> grid, int trainTimesteps, int pairs);
}
