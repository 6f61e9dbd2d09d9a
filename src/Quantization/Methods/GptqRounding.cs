using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// Weights rounded in closed form for their inputs (GPTQ, Frantar et al., ICLR 2023), and the mean errors of channels taken
/// out of biases (Nagel et al., ICCV 2019): the best that can be had without gradients.
/// </summary>
public static class GptqRounding
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "gptq",
            "weights rounded in closed form for their inputs (GPTQ), biases corrected; no gradients",
            [
                .. GraphForm.BlockPasses,
                new SearchRanges(weights: new MseRange(), activations: new MseRange()),
                new Gptq(),
                new BiasCorrection(),
                new LayOutGraph(),
            ]
        )
        {
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 1024),
        };
}
