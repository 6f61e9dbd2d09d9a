using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Chooses every quantizer of the plan: weights per output channel, activations per tensor.</summary>
/// <param name="weights">How weights' ranges are found.</param>
/// <param name="activations">How activations' ranges are found.</param>
public sealed class SearchRanges(IRangeEstimator weights, IRangeEstimator activations) : IQuantizationPass
{
    /// <summary>How weights' ranges are found.</summary>
    internal IRangeEstimator Weights => weights;

    /// <inheritdoc/>
    public string Name => "search ranges";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        state with
        {
            Plan = Search(state.Plan, state.Layers, state.Statistics!, context),
        };

    /// <summary>Chooses the quantizers of a plan.</summary>
    internal QuantizationPlan Search(
        QuantizationPlan plan,
        IReadOnlyList<QuantizableLayer> found,
        CalibrationStatistics statistics,
        PassContext context
    )
    {
        var layers = found.ToDictionary(l => l.Name, StringComparer.Ordinal);
        var plans = new List<LayerPlan>(plan.Layers.Count);
        foreach (var layer in plan.Layers)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            plans.Add(
                layer is { WeightBits: not null, Mode: not LayerMode.Float }
                    ? layer with
                    {
                        Weight = layer.Quantized(layers[layer.Layer], weights),
                    }
                    : layer
            );
            context.Progress((double)plans.Count / plan.Layers.Count, layer.Layer);
        }

        var points = plan.Points;
        var quantizers = new UniformQuantizer[points.Count];
        Workers.For(
            0,
            points.Count,
            i =>
                quantizers[i] = activations.Estimate(
                    statistics.Of(points[i].Value).All,
                    points[i].Bits,
                    points[i].Symmetry
                )
        );
        return plan with
        {
            Layers = plans,
            Activations = points.Zip(quantizers).ToDictionary(p => p.First, p => p.Second),
        };
    }
}
