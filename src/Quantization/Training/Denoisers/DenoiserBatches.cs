using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>
/// Makes batches: images, timesteps and noise depend on seed, step and place alone, so that a training which goes on
/// somewhere makes the same ones.
/// </summary>
internal sealed class DenoiserBatches
{
    private readonly TrainingImages images;
    private readonly DenoiserTraining training;
    private readonly NoiseSource noise;
    private readonly float[] signalRates;
    private readonly float[] noiseRates;

    public DenoiserBatches(TrainingImages images, DenoiserTraining training)
    {
        this.images = images;
        this.training = training;
        noise = new(training.Seed);
        var alphas = new NoiseSchedule(training.Scheduler).AlphasCumprod;
        signalRates = [.. alphas.Select(a => (float)Math.Sqrt(a))];
        noiseRates = [.. alphas.Select(a => (float)Math.Sqrt(1 - a))];
    }

    /// <summary>Makes the batch of a run.</summary>
    /// <param name="step">The step's number, from 0.</param>
    /// <param name="part">Which of the step's runs.</param>
    /// <param name="batch">Receives it.</param>
    public void Fill(int step, int part, DenoiserBatch batch)
    {
        var size = images.Shape.Length;
        var first = part * training.Batch;
        images.Fill(noise, step, first, training.Flip, batch.Noisy);
        for (var i = 0; i < batch.Timesteps.Length; i++)
        {
            var t = noise.Draw(NoisePurpose.Timestep, first + i, step, signalRates.Length);
            batch.Timesteps[i] = t;
            var target = batch.Target.AsSpan(i * size, size);
            noise.FillNormal(NoisePurpose.Forward, first + i, step, target);
            Mix(batch.Noisy.AsSpan(i * size, size), target, signalRates[t], noiseRates[t]);
        }
    }

    /// <summary>Turns an image into x_t, and noise into what the network is to say.</summary>
    private void Mix(Span<float> image, Span<float> target, float signalRate, float noiseRate)
    {
        var isVelocity = training.Prediction == PredictionType.Velocity;
        for (var k = 0; k < image.Length; k++)
        {
            var (clean, epsilon) = (image[k], target[k]);
            image[k] = (signalRate * clean) + (noiseRate * epsilon);
            target[k] = isVelocity ? (signalRate * epsilon) - (noiseRate * clean) : epsilon;
        }
    }
}
