using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Samples the float model along real denoising trajectories and keeps pairs (x_t, t) for the passes that follow.</summary>
public sealed class CollectSamples : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "collect samples";

    /// <inheritdoc/>
    public double Weight => 60;

    /// <inheritdoc/>
    public bool SamplesModel(Recipe recipe) => true;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        state with
        {
            Samples = CalibrationSet.Collect(state, context),
        };
}
