using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>W8A8 in seconds, where a test is not about its quality.</summary>
internal static class QuickRecipe
{
    public static Recipe Of(string prompts) =>
        new(BitWidths.Parse("W8A8"))
        {
            Method = "minmax",
            Steps = 2,
            CalibrationSamples = 4,
            Prompts = prompts,
            GuidanceScale = 3,
            Device = "cpu",
        };

    /// <summary>Quantizes a pipeline by it.</summary>
    /// <returns>The output folder.</returns>
    public static string Run(string model, string output, string prompts)
    {
        Directory.CreateDirectory(output);
        Quantizer.Run(new(model, output, Of(prompts)));
        return output;
    }
}
