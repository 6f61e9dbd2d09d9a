using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool;

/// <summary>Says which files of a user's folder of images do not count.</summary>
internal static class SkippedFiles
{
    public static void Warn(Reporter reporter, string? path)
    {
        if (path is not null && ImageSources.FindSkipped(path) is { } warning)
        {
            reporter.Warn(warning);
        }
    }
}
