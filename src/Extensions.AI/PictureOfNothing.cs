using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Extensions.AI;

/// <summary>
/// Finds what size a model's pictures have before one is made. Of latents only the decoder knows, whose graph leaves it open
/// mostly, so that it decodes zeros: one call, which is little beside a generation.
/// </summary>
internal static class PictureOfNothing
{
    public static Picture Decode(DiffusionPipeline pipeline, CancellationToken cancellation)
    {
        var zeros = new float[pipeline.Contract.SampleShape.Length];
        var step = new DenoisingStep
        {
            Index = 0,
            StepCount = 1,
            Images = [0],
            Call = new()
            {
                Count = 1,
                Samples = zeros,
                Timesteps = [0],
            },
            Output = zeros,
            ConditionalOutput = zeros,
            CleanSamples = zeros,
            Next = zeros,
        };
        return pipeline.Decode(step, cancellation)[0];
    }
}
