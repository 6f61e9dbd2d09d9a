using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// Q-DM (NeurIPS 2023): quantization-aware training with the float network as the teacher (NeM) and queries and keys
/// normalized over timesteps (TaQ).
/// </summary>
public static class QDm
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "q-dm",
            "Q-DM (2023): quantization-aware training that mimics the float network, queries and keys normalized over timesteps; for 2 to 4 bits",
            Passes(TimestepNormalization.Table, new())
        )
        {
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 1024),
        };

    /// <summary>The passes, of which parts can be left out to see what they are worth.</summary>
    /// <param name="normalization">How queries and keys are normalized; null for not at all.</param>
    /// <param name="mimicking">Compares with the float network; null for the images' noise alone.</param>
    internal static IReadOnlyList<IQuantizationPass> Passes(
        TimestepNormalization? normalization,
        NoiseEstimatingMimicking? mimicking
    ) =>
        [
            .. GraphForm.BlockPasses,
            new SearchRanges(weights: new MseRange(), activations: new PercentileRange()),
            .. (IEnumerable<IQuantizationPass>)(
                normalization is { } kind ? [new TimestepAwareNormalization(kind, new PercentileRange())] : []
            ),
            new LsqTraining(recipe => TrainingEffort.Of(recipe, new() { Iterations = 0, Mimicking = mimicking })),
            new LayOutGraph(),
        ];
}
