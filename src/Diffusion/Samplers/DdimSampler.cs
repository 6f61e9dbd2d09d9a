using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// DDIM (Song et al. 2021, "Denoising Diffusion Implicit Models", equation 12): deterministic for η = 0, with noise of
/// η·σ_t otherwise; η = 1 is close to DDPM.
/// </summary>
/// <remarks>The noise direction is the network's own, not derived anew from a clipped x0, as in diffusers.</remarks>
public sealed class DdimSampler : ISampler
{
    private readonly NoiseSchedule schedule;

    /// <summary>Makes the sampler.</summary>
    /// <param name="schedule">The schedule; its config says whether x0 is clipped and where the last step goes.</param>
    /// <param name="eta">η, 0 to 1.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058: η is outside 0 to 1.</exception>
    public DdimSampler(NoiseSchedule schedule, double eta = 0)
    {
        this.schedule = schedule;
        Eta = eta is >= 0 and <= 1
            ? eta
            : throw DiffusionErrors.BadSettings(
                "eta",
                eta.ToString(CultureInfo.InvariantCulture),
                "a number from 0 to 1 is expected"
            );
    }

    /// <summary>η, the share of ancestral noise.</summary>
    public double Eta { get; }

    /// <inheritdoc/>
    public string Name => Eta == 0 ? "DDIM" : string.Create(CultureInfo.InvariantCulture, $"DDIM η={Eta}");

    /// <summary>σ² of a step for η = 1: (1−ᾱ_prev)/(1−ᾱ_t)·(1−ᾱ_t/ᾱ_prev).</summary>
    /// <param name="pair">The step.</param>
    public double Variance(TimestepPair pair)
    {
        var alpha = schedule.AlphaCumprodOrFinal(pair.Timestep);
        var previous = schedule.AlphaCumprodOrFinal(pair.Previous);
        return (1 - previous) / (1 - alpha) * (1 - (alpha / previous));
    }

    /// <inheritdoc/>
    public bool AddsNoise(TimestepPair pair) => Eta > 0 && pair.Previous >= 0;

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
        var alpha = schedule.AlphaCumprodOrFinal(pair.Timestep);
        var previous = schedule.AlphaCumprodOrFinal(pair.Previous);
        var sigma = AddsNoise(pair) ? Eta * Math.Sqrt(Variance(pair)) : 0;
        var direction = Math.Sqrt(Math.Max(0, 1 - previous - (sigma * sigma)));
        var signal = Math.Sqrt(previous);
        var coefficients = CleanSample.At(schedule.Prediction, alpha);
        CleanSample.Estimate(coefficients, schedule.Config, sample, output, cleanSample);
        for (var i = 0; i < sample.Length; i++)
        {
            var epsilon = (coefficients.NoiseFromSample * sample[i]) + (coefficients.NoiseFromOutput * output[i]);
            var value = (signal * cleanSample[i]) + (direction * epsilon);
            next[i] = (float)(sigma > 0 ? value + (sigma * noise[i]) : value);
        }
    }
}
