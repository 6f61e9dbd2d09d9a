using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Plans a graph anew that a pass has rewritten behind the choice of quantizers, and keeps what is still true.</summary>
internal static class Replanning
{
    /// <summary>The state of the new graph.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="model">The new graph; layers that it shares with the old one have their old names and weights.</param>
    /// <param name="choose">Gets the new plan and says what the pass has chosen for its points; others keep their
    /// quantizers, or get new ones where their values are new.</param>
    /// <param name="ranges">Finds these.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    public static QuantizationState Run(
        QuantizationState state,
        OnnxModel model,
        Func<QuantizationPlan, IReadOnlyDictionary<ActivationPoint, UniformQuantizer>> choose,
        IRangeEstimator ranges,
        PassContext context
    )
    {
        var old = state.Plan;
        state = new PlanLayers().Run(state with { Graph = model }, context);
        var statistics = PointObserver.Run(state, state.Samples!, context);
        var chosen = choose(state.Plan);
        return state with
        {
            Statistics = statistics,
            Plan = state.Plan with
            {
                Layers = [.. state.Plan.Layers.Select(l => l with { Weight = old.Find(l.Layer)?.Weight })],
                Activations = state.Plan.Points.ToDictionary(p => p, Quantizer),
                Timesteps = old.Timesteps,
                TimestepColumns = old.TimestepColumns,
                Normalized = old.Normalized,
                Logarithmic = old.Logarithmic,
            },
        };

        UniformQuantizer Quantizer(ActivationPoint point) =>
            chosen.TryGetValue(point, out var own) ? own
            : old.Activations.TryGetValue(point, out var known) ? known
            : ranges.Estimate(statistics.Of(point.Value).All, point.Bits, point.Symmetry);
    }
}
