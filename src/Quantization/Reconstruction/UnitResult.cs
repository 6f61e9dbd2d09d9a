using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>What tuning a unit gave.</summary>
/// <param name="Weights">The codes of layers.</param>
/// <param name="Roundings">The variables α behind these codes, of the same layers.</param>
/// <param name="Activations">The quantizers of points.</param>
/// <param name="LossBefore">The unit's squared error before, per element of its outputs.</param>
/// <param name="LossAfter">And behind.</param>
internal sealed record UnitResult(
    IReadOnlyDictionary<string, QuantizedWeight> Weights,
    IReadOnlyDictionary<string, float[]> Roundings,
    IReadOnlyDictionary<ActivationPoint, UniformQuantizer> Activations,
    double LossBefore,
    double LossAfter
)
{
    /// <summary>Whether it is better than what was.</summary>
    public bool Improves => LossAfter < LossBefore;

    /// <summary>The plan with it.</summary>
    public QuantizationPlan ApplyTo(QuantizationPlan plan)
    {
        var activations = plan.Activations.ToDictionary();
        foreach (var (point, quantizer) in Activations)
        {
            activations[point] = quantizer;
        }

        var roundings = plan.Roundings.ToDictionary(StringComparer.Ordinal);
        foreach (var (layer, alpha) in Roundings)
        {
            roundings[layer] = alpha;
        }

        return plan with
        {
            Roundings = roundings,
            Layers = [.. plan.Layers.Select(l => Weights.TryGetValue(l.Layer, out var w) ? l with { Weight = w } : l)],
            Activations = activations,
        };
    }
}
