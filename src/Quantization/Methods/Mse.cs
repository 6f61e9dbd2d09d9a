using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// Rounding to nearest with ranges searched by error: what every later method starts from. Decoder shortcuts are split as
/// in Q-Diffusion (Li et al. 2023, section 3.3).
/// </summary>
public static class Mse
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "mse",
            "round to nearest, ranges by error search (80 × 1 %, p = 2.4), shortcuts split",
            [
                .. GraphForm.Passes,
                new RewriteGraph("split shortcuts", SplitShortcuts.Apply),
                new PlanLayers(),
                new CollectStatistics(),
                new SearchRanges(weights: new MseRange(), activations: new MseRange()),
                new LayOutGraph(),
            ]
        );
}
