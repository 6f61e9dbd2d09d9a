using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>A loaded model that makes the images of a run.</summary>
internal sealed class ModelRun : IDisposable
{
    private readonly DiffusionPipeline pipeline;
    private readonly Trajectory trajectory;

    public ModelRun(DiffusionModel model, SessionSettings session, TrajectorySettings settings)
    {
        pipeline = DiffusionPipeline.Load(model, new() { Session = session });
        try
        {
            trajectory = new(pipeline.Denoiser, pipeline.Schedule, settings);
        }
        catch
        {
            pipeline.Dispose();
            throw;
        }
    }

    public IDenoiser Denoiser => pipeline.Denoiser;

    /// <summary>The steps of a batch of images; the next is computed when it is asked for.</summary>
    public IEnumerable<DenoisingStep> Steps(IReadOnlyList<int> images, CancellationToken cancellation) =>
        trajectory.Steps(images, cancellation);

    /// <summary>The images of a batch's last step, as bytes; null where the model makes latents and has no decoder.</summary>
    public IReadOnlyList<RasterImage>? Decode(DenoisingStep last, CancellationToken cancellation) =>
        pipeline.MakesImages
            ?
            [
                .. pipeline
                    .Decode(last, cancellation)
                    .Select(i => new RasterImage(i.Width, i.Height, i.Channels, i.ToBytes())),
            ]
            : null;

    public void Dispose() => pipeline.Dispose();
}
