using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What a network should predict for an image with noise.</summary>
/// <param name="path">Tells signal and noise, and what the network's output means.</param>
internal sealed class NoisePredictionTarget(NoisePath path)
{
    /// <summary>T.</summary>
    public int TrainTimesteps => path.TrainTimesteps;

    /// <summary>Puts noise on an image and says what the network should give.</summary>
    /// <param name="timestep">t, whole or not.</param>
    /// <param name="sample">x0, and behind it x_t = α·x0 + σ·ε.</param>
    /// <param name="noise">ε, and behind it the target: ε, the velocity α·ε − σ·x0, x0, or a flow's ε − x0.</param>
    public void Mix(double timestep, Span<float> sample, Span<float> noise)
    {
        var level = path.At(timestep);
        var (signalRate, noiseRate) = ((float)level.Alpha, (float)level.Sigma);
        for (var i = 0; i < sample.Length; i++)
        {
            var (clean, epsilon) = (sample[i], noise[i]);
            sample[i] = (signalRate * clean) + (noiseRate * epsilon);
            noise[i] = path.Prediction switch
            {
                PredictionType.Epsilon => epsilon,
                PredictionType.Flow => epsilon - clean,
                PredictionType.Velocity => (signalRate * epsilon) - (noiseRate * clean),
                _ => clean,
            };
        }
    }
}
