using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>
/// Timesteps drawn from N(μ, σ²), rounded, clamped to 0 … T − 1 and taken to the sampler's nearest: more pairs towards x_0
/// than towards the noise (PTQ4DM, Shang et al. 2023, section 3.3).
/// </summary>
/// <remarks>The paper has the variance T/2, that is σ = √(T/2) timesteps, and μ ≤ T/2; the released code draws with
/// μ = σ = 0.4·T. Neither says which μ the paper's tables have, so here both laws take the code's. The code then pairs the
/// sample after i sampling steps with t = i, which is a fault; here x_t is always the sampler's own at t.</remarks>
/// <param name="noise">The recipe's random numbers.</param>
/// <param name="mean">μ as a fraction of T.</param>
/// <param name="deviation">σ as a fraction of T; null for √(T/2) timesteps.</param>
internal sealed class NormalSteps(NoiseSource noise, double mean, double? deviation) : ITimestepSchedule
{
    /// <summary>μ of PTQ4DM's code, as a fraction of T.</summary>
    public const double UsualMean = 0.4;

    /// <summary>σ of PTQ4DM's code, as a fraction of T.</summary>
    public const double UsualDeviation = 0.4;

    /// <inheritdoc/>
    public CalibrationSchedule Make(IReadOnlyList<double> grid, int trainTimesteps, int pairs)
    {
        var nearest = DrawnSteps.Nearest(grid, trainTimesteps);
        var (mu, sigma) = (mean * trainTimesteps, deviation * trainTimesteps ?? Math.Sqrt(trainTimesteps / 2.0));
        var drawn = new int[pairs];
        Span<float> normal = stackalloc float[1];
        for (var i = 0; i < pairs; i++)
        {
            noise.FillNormal(NoisePurpose.Timestep, i, 0, normal);
            var t = Math.Clamp(Math.Round(mu + (sigma * normal[0])), 0, trainTimesteps - 1);
            drawn[i] = nearest[(int)t];
        }

        return DrawnSteps.Deal(drawn);
    }
}
