using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What training a network chose.</summary>
/// <param name="Weights">The codes of layers by name.</param>
/// <param name="Activations">Quantizers of points.</param>
/// <param name="Timesteps">Factors of points by timestep.</param>
internal sealed record TrainedNetwork(
    IReadOnlyDictionary<string, QuantizedWeight> Weights,
    IReadOnlyDictionary<ActivationPoint, UniformQuantizer> Activations,
    IReadOnlyDictionary<ActivationPoint, TimestepTable> Timesteps
)
{
    /// <summary>A plan with these in place of its own.</summary>
    public QuantizationPlan ApplyTo(QuantizationPlan plan) =>
        plan with
        {
            Layers = [.. plan.Layers.Select(l => Weights.TryGetValue(l.Layer, out var w) ? l with { Weight = w } : l)],
            Activations = plan.Activations.ToDictionary(a => a.Key, a => Activations.GetValueOrDefault(a.Key, a.Value)),
            Timesteps = plan.Timesteps.ToDictionary(t => t.Key, t => Timesteps.GetValueOrDefault(t.Key, t.Value)),
        };
}
