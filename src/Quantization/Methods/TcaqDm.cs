using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// TCAQ-DM (Huang et al., AAAI 2025): channels reparameterized jointly over timesteps, step sizes per group of timesteps,
/// softmax codes by the law of its values, and roundings reconstructed along the quantized network's own trajectories.
/// </summary>
public static class TcaqDm
{
    /// <summary>The paper's number of rounds is not known.</summary>
    private const int Rounds = 2;

    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "tcaq-dm",
            "TCAQ-DM (2025): like ranges for channels and timesteps, softmax codes by law, progressive reconstruction",
            [
                .. GraphForm.SampledPasses,
                new TimestepChannelReparameterization(),
                new CollectStatistics(),
                new SearchRanges(weights: new MseRange(), activations: new PercentileRange()),
                new ScaleTimesteps(new PercentileRange()),
                new AdaptiveSoftmaxQuantizer(SoftmaxCriterion.Likelihood, new PercentileRange()),
                new Gptq(recipe => !ReconstructionEffort.HasGradients(recipe)),
                Reconstruction(Rounds),
                new LayOutGraph(),
            ]
        )
        {
            // 20 steps of 256 trajectories.
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 5120),
            TimestepSampling = TimestepLaw.EveryK,
        };

    /// <summary>The reconstruction, with other numbers of rounds than the method's too.</summary>
    internal static ProgressiveReconstruction Reconstruction(int rounds) =>
        new(recipe => Roundings(recipe, 1), recipe => Roundings(recipe, 0.5), rounds);

    private static ReconstructionSettings Roundings(Recipe recipe, double share) =>
        ReconstructionEffort.Of(recipe, new() { Iterations = 0 }, share);
}
