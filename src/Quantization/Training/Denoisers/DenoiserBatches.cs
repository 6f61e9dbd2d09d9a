using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
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
    private readonly NoisePredictionTarget target;

    public DenoiserBatches(TrainingImages images, DenoiserTraining training)
    {
        this.images = images;
        this.training = training;
        noise = new(training.Seed);
        target = new(new NoiseSchedule(training.Scheduler));
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
        Workers.For(
            0,
            batch.Timesteps.Length,
            i =>
            {
                var t = noise.Draw(NoisePurpose.Timestep, first + i, step, target.TrainTimesteps);
                batch.Timesteps[i] = t;
                var drawn = batch.Target.AsSpan(i * size, size);
                noise.FillNormal(NoisePurpose.Forward, first + i, step, drawn);
                target.Mix(t, batch.Noisy.AsSpan(i * size, size), drawn);
            }
        );
    }
}
