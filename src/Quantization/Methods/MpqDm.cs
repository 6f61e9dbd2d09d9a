using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// MPQ-DM (Feng et al., AAAI 2025): bits of a layer's output channels by their outliers, and data-free fine-tuning with
/// low-rank changes of weights that also compares relations of features.
/// </summary>
public static class MpqDm
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        Of("mpq-dm", "MPQ-DM (2025): bits by channel, data-free fine-tuning with relation distillation");

    /// <summary>The passes, of which parts can be left out to see what they are worth.</summary>
    internal static QuantizationMethod Of(string name, string summary, RelationDistillation? relation = null) =>
        new(
            name,
            summary,
            [
                .. GraphForm.BlockPasses,
                new SearchRanges(weights: new MseRange(), activations: new MseRange()),
                new ScaleTimesteps(new MseRange()),
                new Gptq(),
                new LowRankFineTuning(recipe => FineTuningEffort.Of(recipe, new() { Iterations = 0, Relation = relation })),
                new LayOutGraph(),
            ]
        )
        {
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 1024),
        };
}
