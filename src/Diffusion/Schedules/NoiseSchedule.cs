namespace DiffusionQuant.Diffusion;

/// <summary>
/// The forward process x_t = √ᾱ_t·x0 + √(1−ᾱ_t)·ε of a discrete diffusion model: ᾱ for every timestep, in double
/// precision, and the settings that go with it.
/// </summary>
public sealed partial class NoiseSchedule : NoisePath
{
    private readonly double[] alphasCumprod;

    /// <summary>Computes the schedule that a configuration describes.</summary>
    /// <param name="config">The configuration.</param>
    public NoiseSchedule(SchedulerConfig config)
        : base(config)
    {
        alphasCumprod = Betas.CumulativeAlphas(
            config.TrainedBetas?.ToArray()
                ?? Betas.Of(config.BetaSchedule, config.BetaStart, config.BetaEnd, config.TrainTimesteps)
        );
        if (config.SnrShiftScale != 1)
        {
            var shift = config.SnrShiftScale;
            for (var t = 0; t < alphasCumprod.Length; t++)
            {
                alphasCumprod[t] /= shift + ((1 - shift) * alphasCumprod[t]);
            }
        }

        if (config.RescaleBetasZeroSnr && alphasCumprod.Length > 1)
        {
            Betas.RescaleToZeroTerminalSnr(alphasCumprod);
        }
    }

    /// <summary>T, the number of timesteps; timesteps are 0 to T−1.</summary>
    public override int TrainTimesteps => alphasCumprod.Length;

    /// <summary>ᾱ_t for t from 0 to T−1, falling.</summary>
    public IReadOnlyList<double> AlphasCumprod => alphasCumprod;

    /// <summary>β_t = 1 − ᾱ_t/ᾱ_{t−1}.</summary>
    /// <param name="timestep">The timestep, 0 to T−1.</param>
    public double Beta(int timestep) =>
        1 - (alphasCumprod[timestep] / (timestep > 0 ? alphasCumprod[timestep - 1] : 1));

    /// <summary>ᾱ_t as ancestral (DDPM) steps see it: 1 for a timestep below 0, the clean sample. Between whole timesteps the
    /// logarithm of the signal-to-noise ratio ᾱ/(1−ᾱ) is linear.</summary>
    /// <param name="timestep">The timestep, whole or not, T−1 at most.</param>
    public double AlphaCumprod(double timestep) => timestep >= 0 ? Interpolate(timestep) : 1;

    /// <summary>ᾱ_t as DDIM steps see it: below timestep 0 it is 1, or ᾱ_0 where the config says
    /// <c>set_alpha_to_one: false</c>.</summary>
    /// <param name="timestep">The timestep, whole or not, T−1 at most.</param>
    public double AlphaCumprodOrFinal(double timestep) =>
        timestep >= 0 ? Interpolate(timestep)
        : Config.SetAlphaToOne ? 1
        : alphasCumprod[0];

    /// <inheritdoc/>
    public override NoiseLevel At(double timestep)
    {
        var alpha = AlphaCumprod(Math.Min(timestep, TrainTimesteps - 1));
        return new(Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
    }

    private double Interpolate(double timestep)
    {
        var below = (int)timestep;
        var share = timestep - below;
        if (share == 0)
        {
            return alphasCumprod[below];
        }

        var (first, second) = (alphasCumprod[below], alphasCumprod[below + 1]);
        var logSnr = ((1 - share) * LogSnr(first)) + (share * LogSnr(second));
        // Without any signal or any noise at one end there is no such logarithm: there √ᾱ is linear.
        return double.IsFinite(logSnr)
            ? 1 / (1 + Math.Exp(-logSnr))
            : Math.Pow(((1 - share) * Math.Sqrt(first)) + (share * Math.Sqrt(second)), 2);
    }

    private static double LogSnr(double alpha) => Math.Log(alpha / (1 - alpha));
}
