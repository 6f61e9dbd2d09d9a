using DiffusionQuant.Quantization.Passes;
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
    /// <summary>The float weights that were rounded, by layer.</summary>
    public IReadOnlyDictionary<string, float[]> Floats { get; init; } = new Dictionary<string, float[]>();

    /// <summary>What is added to layers' biases, where they were trained.</summary>
    public IReadOnlyDictionary<string, float[]> BiasCorrections { get; init; } = new Dictionary<string, float[]>();

    /// <summary>The normalizations of values; empty where there are none.</summary>
    public IReadOnlyList<NormalizedValue> Normalized { get; init; } = [];

    /// <summary>Graph and plan with these in place of their own.</summary>
    public QuantizationState ApplyTo(QuantizationState state)
    {
        var plan = ApplyTo(state.Plan);
        var graph = state.Graph.Clone();
        TimestepColumns.Update(graph.Graph, plan);
        BatchNormalization.Update(graph.Graph, plan);
        return state with { Graph = graph, Plan = plan };
    }

    /// <summary>A plan with these in place of its own.</summary>
    public QuantizationPlan ApplyTo(QuantizationPlan plan) =>
        plan with
        {
            Layers = [.. plan.Layers.Select(ApplyTo)],
            Activations = plan.Activations.ToDictionary(a => a.Key, a => Activations.GetValueOrDefault(a.Key, a.Value)),
            Timesteps = plan.Timesteps.ToDictionary(t => t.Key, t => Timesteps.GetValueOrDefault(t.Key, t.Value)),
            Normalized = Normalized.Count > 0 ? Normalized : plan.Normalized,
        };

    private LayerPlan ApplyTo(LayerPlan layer) =>
        layer with
        {
            Weight = Weights.GetValueOrDefault(layer.Layer) ?? layer.Weight,
            BiasCorrection = BiasCorrections.GetValueOrDefault(layer.Layer) ?? layer.BiasCorrection,
        };
}
