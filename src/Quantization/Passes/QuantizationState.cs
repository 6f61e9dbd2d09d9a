using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>What passes hand from one to the next.</summary>
/// <param name="Source">The model as it was loaded; its graph is never changed.</param>
/// <param name="Recipe">The recipe.</param>
public sealed record QuantizationState(DiffusionModel Source, Recipe Recipe)
{
    /// <summary>The float graph as graph passes have rewritten it; it computes what the source computes.</summary>
    public OnnxModel Graph { get; init; } = Source.Model.Clone();

    /// <summary>The sampling run whose calls calibrate the model.</summary>
    public TrajectorySettings Trajectory
    {
        get => field ??= CalibrationTrajectory.Settings(Source, Recipe);
        init;
    }

    /// <summary>The graph's layers; empty until they are planned.</summary>
    public IReadOnlyList<QuantizableLayer> Layers { get; init; } = [];

    /// <summary>What becomes of layers and activations.</summary>
    public QuantizationPlan Plan { get; init; } = QuantizationPlan.Empty;

    /// <summary>The pairs (x_t, t) of calibration; null until they are collected. They are disposed behind the last pass.</summary>
    public CalibrationSet? Samples { get; init; }

    /// <summary>What calibration saw at the plan's points; null until it ran.</summary>
    public CalibrationStatistics? Statistics { get; init; }
}
