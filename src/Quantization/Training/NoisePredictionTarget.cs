using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What a network should predict for an image with noise.</summary>
/// <param name="schedule">ᾱ by timestep, and what the network's output means.</param>
internal sealed class NoisePredictionTarget(NoiseSchedule schedule)
{
    /// <summary>T.</summary>
    public int TrainTimesteps => schedule.TrainTimesteps;

    /// <summary>Puts noise on an image and says what the network should give.</summary>
    /// <param name="timestep">t.</param>
    /// <param name="sample">x0, and behind it x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·ε.</param>
    /// <param name="noise">ε.</param>
    /// <param name="target">Receives ε, the velocity √ᾱ_t·ε − √(1 − ᾱ_t)·x0, or x0.</param>
    public void Mix(int timestep, Span<float> sample, ReadOnlySpan<float> noise, Span<float> target)
    {
        var kept = schedule.AlphasCumprod[timestep];
        var (signal, spread) = ((float)Math.Sqrt(kept), (float)Math.Sqrt(1 - kept));
        for (var i = 0; i < sample.Length; i++)
        {
            var clean = sample[i];
            target[i] = schedule.Prediction switch
            {
                PredictionType.Epsilon => noise[i],
                PredictionType.Velocity => (signal * noise[i]) - (spread * clean),
                _ => clean,
            };
            sample[i] = (signal * clean) + (spread * noise[i]);
        }
    }
}
