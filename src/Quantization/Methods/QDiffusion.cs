using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// Q-Diffusion (Li et al., ICCV 2023): calibration at every (T/20)-th step, decoder shortcuts split, weights reconstructed
/// block by block between float activations (section 4), then the activations' step sizes.
/// </summary>
public static class QDiffusion
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "q-diffusion",
            "Q-Diffusion (2023): weights' rounding reconstructed by blocks, then activations' step sizes",
            [
                .. GraphForm.BlockPasses,
                new SearchRanges(weights: new MseRange(), activations: new MseRange()),
                new Gptq(recipe => !ReconstructionEffort.HasGradients(recipe)),
                new ReconstructBlocks("reconstruct weights", Weights),
                new ReconstructBlocks("learn activation steps", ActivationSteps),
                new LayOutGraph(),
            ]
        )
        {
            // 20 steps of 256 trajectories.
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 5120),
            TimestepSampling = TimestepLaw.EveryK,
        };

    private static ReconstructionSettings Weights(Recipe recipe) =>
        ReconstructionEffort.Of(recipe, new() { Iterations = 0, QuantizesActivations = false });

    private static ReconstructionSettings ActivationSteps(Recipe recipe) =>
        ReconstructionEffort.Of(
            recipe,
            new()
            {
                Iterations = 0,
                LearnsRounding = false,
                LearnsSteps = recipe.Bits.QuantizesActivations,
                LossPower = 2.4,
                // 4e-4, ten times QDrop's.
                StepRate = 2.5e-2f,
            },
            recipe.Bits.QuantizesActivations ? 0.25 : 0
        );
}
