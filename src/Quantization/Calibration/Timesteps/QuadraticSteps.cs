using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>
/// Timesteps drawn dense near x_0: ⌊T·u²⌋ with a uniform u, taken to the sampler's nearest, so that √t is uniform as on the
/// quadratic grid of DDIM (Song et al. 2021, appendix D.2).
/// </summary>
/// <param name="noise">The recipe's random numbers.</param>
internal sealed class QuadraticSteps(NoiseSource noise) : ITimestepSchedule
{
    private const int Grain = 1 << 30;

    /// <inheritdoc/>
    public CalibrationSchedule Make(IReadOnlyList<double> grid, int trainTimesteps, int pairs)
    {
        var nearest = DrawnSteps.Nearest(grid, trainTimesteps);
        return DrawnSteps.Deal([.. Enumerable.Range(0, pairs).Select(Draw)]);

        int Draw(int i)
        {
            var u = noise.Draw(NoisePurpose.Timestep, i, Grain) / (double)Grain;
            return nearest[(int)(trainTimesteps * u * u)];
        }
    }
}
