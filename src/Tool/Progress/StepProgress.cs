using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Tool.Progress;

/// <summary>Passes a pipeline's progress on, as a part of all steps of all images.</summary>
internal sealed class StepProgress(ProgressHub hub, int batchSize) : IProgress<GenerationProgress>
{
    public void Report(GenerationProgress value)
    {
        // Images that are done are counted with the last step of their batch.
        var batch = Math.Min(batchSize, value.ImageCount - value.ImagesDone);
        var inWork = value.StepsDone < value.StepCount ? batch * (double)value.StepsDone / value.StepCount : 0;
        hub.Report(
            "Sampling",
            (value.ImagesDone + inWork) / value.ImageCount,
            $"{value.ImagesDone} of {value.ImageCount} images"
        );
    }
}
