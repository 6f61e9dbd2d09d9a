using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Commands;

/// <summary>Makes a reference of image data and writes it, with progress.</summary>
/// <param name="Name">What to call it.</param>
/// <param name="Source">The images.</param>
/// <param name="Extractor">The extractor's name or path.</param>
/// <param name="ReservoirSize">How many single rows to keep.</param>
/// <param name="Output">The <c>.dqref</c> file.</param>
internal sealed record ReferenceMaker(
    string Name,
    IImageSource Source,
    string Extractor,
    int ReservoirSize,
    string Output
)
{
    public ReferenceStatistics Run(SessionSettings session, ProgressHub progress, CancellationToken cancellation)
    {
        progress.Report("Loading", 0);
        using var extractor = FeatureExtractor.Load(Extractor, session);
        var reference = ReferenceStatistics.Make(
            Name,
            Source,
            extractor,
            new() { ReservoirSize = ReservoirSize },
            new HubProgress(progress),
            cancellation
        );
        reference.Save(Output);
        return reference;
    }

    private sealed class HubProgress(ProgressHub hub) : IProgress<ReferenceProgress>
    {
        public void Report(ReferenceProgress value) =>
            hub.Report(
                "Extracting features",
                value.Total is { } total ? (double)value.Done / total : 0,
                value.Total is { } all ? $"{value.Done} of {all} images" : $"{value.Done} images"
            );
    }
}
