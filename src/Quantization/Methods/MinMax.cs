using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>Rounding to nearest over the whole observed range: what ONNX Runtime's own static quantizer does.</summary>
public static class MinMax
{
    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "minmax",
            "round to nearest over the whole range, as ONNX Runtime's static quantizer does",
            [
                .. GraphForm.Passes,
                new PlanLayers(),
                new CollectStatistics(),
                new SearchRanges(weights: new MinMaxRange(), activations: new MinMaxRange()),
                new LayOutGraph(),
            ]
        );
}
