using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>Steps drawn so that each of the sampler's is as likely as any other.</summary>
/// <param name="noise">The recipe's random numbers.</param>
internal sealed class UniformSteps(NoiseSource noise) : ITimestepSchedule
{
    /// <inheritdoc/>
    public CalibrationSchedule Make(IReadOnlyList<double> grid, int trainTimesteps, int pairs) =>
        DrawnSteps.Deal([.. Enumerable.Range(0, pairs).Select(i => noise.Draw(NoisePurpose.Timestep, i, grid.Count))]);
}
