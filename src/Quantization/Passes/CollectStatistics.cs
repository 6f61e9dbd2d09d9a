using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Runs the float model over calibration's pairs (x_t, t) and keeps what the plan's points see. Where no pass before it
/// collected the pairs, it samples them itself.
/// </summary>
public sealed class CollectStatistics : IQuantizationPass
{
    // Sampling calls the network at every step of a trajectory, observing only at the kept ones.
    private const double Sampling = 0.6;

    /// <inheritdoc/>
    public string Name => "calibrate";

    /// <inheritdoc/>
    public double Weight => 60;

    /// <inheritdoc/>
    public bool SamplesModel(Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        // Weight-only recipes have no points, and so need no samples.
        if (state.Plan.Points.Count == 0)
        {
            return state with { Statistics = CalibrationStatistics.Empty };
        }

        if (state.Samples is { } samples)
        {
            return state with { Statistics = PointObserver.Run(state, samples, context) };
        }

        using var own = CalibrationSet.Collect(state, SampleCollector.Part(context, 0, Sampling));
        return state with { Statistics = PointObserver.Run(state, own, SampleCollector.Part(context, Sampling, 1)) };
    }
}
