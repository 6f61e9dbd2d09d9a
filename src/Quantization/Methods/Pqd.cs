using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// PQD (Ye et al., arXiv 2501.00124): calibration at timesteps drawn from a normal law towards the clean image, and
/// reconstruction with QDrop (Wei et al., ICLR 2022), roundings and step sizes together, on samples of that same law.
/// </summary>
public static class Pqd
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "pqd",
            "PQD (2025): timesteps from a normal law, roundings and step sizes reconstructed together with QDrop",
            [
                .. GraphForm.BlockPasses,
                new SearchRanges(weights: new MseRange(), activations: new MseRange()),
                new Gptq(recipe => !ReconstructionEffort.HasGradients(recipe)),
                new ReconstructBlocks("reconstruct with QDrop", QDrop),
                new LayOutGraph(),
            ]
        )
        {
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 1024),
            TimestepSampling = TimestepLaw.Normal,
        };

    private static ReconstructionSettings QDrop(Recipe recipe) =>
        ReconstructionEffort.Of(
            recipe,
            new()
            {
                Iterations = 0,
                LearnsSteps = true,
                DropProbability = 0.5,
            }
        );
}
