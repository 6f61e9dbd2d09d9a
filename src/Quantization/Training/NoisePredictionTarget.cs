using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What a network should predict for an image with noise.</summary>
/// <param name="schedule">Tells ᾱ, and what the network's output means.</param>
internal sealed class NoisePredictionTarget(NoiseSchedule schedule)
{
    /// <summary>T.</summary>
    public int TrainTimesteps => schedule.TrainTimesteps;

    /// <summary>Puts noise on an image and says what the network should give.</summary>
    /// <param name="timestep">t, whole or not.</param>
    /// <param name="sample">x0, and behind it x_t = √ᾱ_t·x0 + √(1 − ᾱ_t)·ε.</param>
    /// <param name="noise">ε, and behind it the target: ε, the velocity √ᾱ_t·ε − √(1 − ᾱ_t)·x0, or x0.</param>
    public void Mix(double timestep, Span<float> sample, Span<float> noise)
    {
        var alpha = schedule.AlphaCumprod(timestep);
        var (signalRate, noiseRate) = ((float)Math.Sqrt(alpha), (float)Math.Sqrt(1 - alpha));
        for (var i = 0; i < sample.Length; i++)
        {
            var (clean, epsilon) = (sample[i], noise[i]);
            sample[i] = (signalRate * clean) + (noiseRate * epsilon);
            noise[i] = schedule.Prediction switch
            {
                PredictionType.Epsilon => epsilon,
                PredictionType.Velocity => (signalRate * epsilon) - (noiseRate * clean),
                _ => clean,
            };
        }
    }
}
