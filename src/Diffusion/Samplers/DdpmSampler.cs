namespace DiffusionQuant.Diffusion;

/// <summary>
/// Ancestral sampling (Ho et al. 2020, "Denoising Diffusion Probabilistic Models", equations 6 and 7), over any grid of
/// timesteps as in Nichol and Dhariwal 2021, section 4.
/// </summary>
/// <remarks>The last step, to the clean sample, adds no noise.</remarks>
public sealed class DdpmSampler : ISampler
{
    // Below it a variance is taken as this, so that its logarithm exists.
    private const double LeastVariance = 1e-20;
    private readonly NoiseSchedule schedule;

    /// <summary>Makes the sampler.</summary>
    /// <param name="schedule">The schedule; its config says whether x0 is clipped.</param>
    /// <param name="variance">Another variance than the config's.</param>
    public DdpmSampler(NoiseSchedule schedule, VarianceType? variance = null)
    {
        this.schedule = schedule;
        VarianceType = variance ?? schedule.Config.Variance;
    }

    /// <summary>Which variance the steps have.</summary>
    public VarianceType VarianceType { get; }

    /// <inheritdoc/>
    public string Name =>
        VarianceType switch
        {
            VarianceType.FixedLarge => "DDPM fixed_large",
            VarianceType.Learned => "DDPM learned",
            VarianceType.LearnedRange => "DDPM learned_range",
            _ => "DDPM fixed_small",
        };

    /// <inheritdoc/>
    public bool AddsNoise(TimestepPair pair) => pair.Previous >= 0;

    /// <summary>The lower (β̃) and the upper (β) variance of a step.</summary>
    /// <param name="pair">The step.</param>
    public (double Small, double Large) Variance(TimestepPair pair)
    {
        var alpha = schedule.AlphaCumprod(pair.Timestep);
        var previous = schedule.AlphaCumprod(pair.Previous);
        var beta = 1 - (alpha / previous);
        return (Math.Max((1 - previous) / (1 - alpha) * beta, LeastVariance), Math.Max(beta, LeastVariance));
    }

    /// <summary>The factors of x0 and of x_t in the posterior's mean (equation 7).</summary>
    /// <param name="pair">The step.</param>
    public (double CleanSample, double Sample) Mean(TimestepPair pair)
    {
        var alpha = schedule.AlphaCumprod(pair.Timestep);
        var previous = schedule.AlphaCumprod(pair.Previous);
        var beta = 1 - (alpha / previous);
        return (Math.Sqrt(previous) * beta / (1 - alpha), Math.Sqrt(alpha / previous) * (1 - previous) / (1 - alpha));
    }

    /// <inheritdoc/>
    public void Step(
        TimestepPair pair,
        ReadOnlySpan<float> sample,
        ReadOnlySpan<float> output,
        ReadOnlySpan<float> noise,
        Span<float> cleanSample,
        Span<float> next
    )
    {
        var learned = VarianceType is VarianceType.Learned or VarianceType.LearnedRange;
        if (learned && output.Length < 2 * sample.Length)
        {
            throw DiffusionErrors.BadOutput(
                "scheduler_config.json",
                "of the model",
                "variance_type is a learned one, but the output has as many channels as the sample, not twice as many"
            );
        }

        var coefficients = CleanSample.At(schedule.Prediction, schedule.AlphaCumprod(pair.Timestep));
        CleanSample.Estimate(coefficients, schedule.Config, sample, output, cleanSample);
        var (fromClean, fromSample) = Mean(pair);
        var (small, large) = Variance(pair);
        var sigma = Math.Sqrt(VarianceType == VarianceType.FixedLarge ? large : small);
        var logSmall = Math.Log(small);
        var logLarge = Math.Log(large);
        var addsNoise = AddsNoise(pair);
        for (var i = 0; i < sample.Length; i++)
        {
            var value = (fromClean * cleanSample[i]) + (fromSample * sample[i]);
            if (addsNoise)
            {
                if (VarianceType == VarianceType.Learned)
                {
                    sigma = Math.Sqrt(Math.Max(output[sample.Length + i], 0));
                }
                else if (learned)
                {
                    var share = (output[sample.Length + i] + 1.0) / 2;
                    sigma = Math.Exp(((share * logLarge) + ((1 - share) * logSmall)) / 2);
                }

                value += sigma * noise[i];
            }

            next[i] = (float)value;
        }
    }
}
