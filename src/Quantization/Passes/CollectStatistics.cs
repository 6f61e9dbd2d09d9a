using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Samples the float model along real denoising trajectories and keeps what the plan's points see.</summary>
public sealed class CollectStatistics : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "calibrate";

    /// <inheritdoc/>
    public double Weight => 60;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        // Weight-only recipes have no points, and so need no samples.
        state with
        {
            Statistics =
                state.Plan.Points.Count == 0 ? CalibrationStatistics.Empty : TrajectoryCalibration.Run(state, context),
        };
}
