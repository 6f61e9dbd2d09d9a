using System.Globalization;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>The failures of training a network from images: codes DQ1140 to DQ1149.</summary>
internal static class DenoiserTrainingErrors
{
    [Diagnostic("DQ1140")]
    public static DiffusionQuantException BadNetwork(string config, string why, Exception? cause = null) =>
        new(
            "DQ1140",
            $"{config}: this describes no network that can be trained on these images: {why.TrimEnd('.')}. Name small, cifar10 or a JSON file with channels, multipliers, blocks and attentionResolutions, and pad the images where their size does not divide (--pad).",
            cause
        );

    [Diagnostic("DQ1141")]
    public static DiffusionQuantException Diverged(int step, float loss, int? keptStep, string? folder) =>
        new(
            "DQ1141",
            string.Create(
                CultureInfo.InvariantCulture,
                $"Training diverged: the loss is {loss:G4} at step {step}. {Kept(keptStep, folder)} Lower the learning rate (--learning-rate), let it rise for longer (--warm-up) or clip gradients further (--clip)."
            )
        );

    private static string Kept(int? step, string? folder) =>
        step is null
            ? "No checkpoint was written before."
            : $"The last good checkpoint is that of step {step} in {folder}.";
}
