using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Benchmarks;

/// <summary>How far networks' predictions lie from the float network's, on its own samples along guided trajectories.</summary>
/// <param name="exact">The float network's steps, batch by batch.</param>
/// <param name="guidance">The scale of guidance.</param>
internal sealed class PredictionErrors(IReadOnlyList<DenoisingStep> exact, double guidance)
{
    private const int Pictures = 40;

    /// <summary>Samples with the float network.</summary>
    public static PredictionErrors Of(DiffusionPipeline pipeline, TrajectorySettings settings)
    {
        var trajectory = new Trajectory(pipeline.Denoiser, pipeline.Schedule, settings);
        var batches = Enumerable.Range(0, Pictures).Chunk(TextPictures.Batch);
        return new([.. batches.SelectMany(batch => trajectory.Steps(batch))], settings.GuidanceScale);
    }

    /// <summary>
    /// SQNR in dB, the mean over pictures and steps: of both calls' predictions together, and of u + s·(c − u), in which what
    /// both calls err differently counts s times.
    /// </summary>
    public (double Calls, double Guided) Measure(IDenoiser denoiser)
    {
        var (calls, guided) = (new List<double>(), new List<double>());
        foreach (var step in exact)
        {
            var conditional = denoiser.Predict(step.Call);
            var unconditional = denoiser.Predict(step.UnconditionalCall!);
            var size = conditional.Length / step.Images.Count;
            for (var i = 0; i < step.Images.Count; i++)
            {
                var place = new Range(i * size, (i + 1) * size);
                var one = SignalToNoise.Powers(step.ConditionalOutput[place], conditional[place]);
                var other = SignalToNoise.Powers(step.UnconditionalOutput![place], unconditional[place]);
                calls.Add(SignalToNoise.Decibels(one.Signal + other.Signal, one.Noise + other.Noise));
                guided.Add(
                    SignalToNoise.Decibels(step.Output[place], Guided(conditional[place], unconditional[place]))
                );
            }
        }

        return (calls.Average(), guided.Average());
    }

    private float[] Guided(float[] conditional, float[] unconditional) =>
        [.. conditional.Zip(unconditional, (c, u) => (float)(u + (guidance * (c - u))))];
}
