using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What a network should predict for an image with noise.</summary>
internal sealed class NoisePredictionTarget
{
    private readonly PredictionType prediction;
    private readonly float[] signalRates;
    private readonly float[] noiseRates;

    /// <summary>Takes √ᾱ and √(1 − ᾱ) of all timesteps, and what the network's output means.</summary>
    public NoisePredictionTarget(NoiseSchedule schedule)
    {
        prediction = schedule.Prediction;
        signalRates = [.. schedule.AlphasCumprod.Select(a => (float)Math.Sqrt(a))];
        noiseRates = [.. schedule.AlphasCumprod.Select(a => (float)Math.Sqrt(1 - a))];
    }

    /// <summary>T.</summary>
    public int TrainTimesteps => signalRates.Length;

    /// <summary>Puts noise on an image and says what the network should give.</summary>
    /// <param name="timestep">t.</param>
    /// <param name="sample">x0, and behind it x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·ε.</param>
    /// <param name="noise">ε, and behind it the target: ε, the velocity √ᾱ_t·ε − √(1 − ᾱ_t)·x0, or x0.</param>
    public void Mix(int timestep, Span<float> sample, Span<float> noise)
    {
        var (signalRate, noiseRate) = (signalRates[timestep], noiseRates[timestep]);
        for (var i = 0; i < sample.Length; i++)
        {
            var (clean, epsilon) = (sample[i], noise[i]);
            sample[i] = (signalRate * clean) + (noiseRate * epsilon);
            noise[i] = prediction switch
            {
                PredictionType.Epsilon => epsilon,
                PredictionType.Velocity => (signalRate * epsilon) - (noiseRate * clean),
                _ => clean,
            };
        }
    }
}
