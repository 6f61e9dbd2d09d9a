using DiffusionQuant.Engine;
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
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var layers = state.Layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        var plans = new List<LayerPlan>(state.Plan.Layers.Count);
        foreach (var plan in state.Plan.Layers)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            plans.Add(
                plan is { WeightBits: not null, Mode: not LayerMode.Float }
                    ? plan with
                    {
                        Weight = plan.Quantized(layers[plan.Layer], weights),
                    }
                    : plan
            );
            context.Progress((double)plans.Count / state.Plan.Layers.Count, plan.Layer);
        }

        var points = state.Plan.Points;
        var quantizers = new UniformQuantizer[points.Count];
        Workers.For(
            0,
            points.Count,
            i =>
                quantizers[i] = activations.Estimate(
                    state.Statistics!.Of(points[i].Value).All,
                    points[i].Bits,
                    points[i].Symmetry
                )
        );
        return state with
        {
            Plan = state.Plan with
            {
                Layers = plans,
                Activations = points.Zip(quantizers).ToDictionary(p => p.First, p => p.Second),
            },
        };
    }
}
