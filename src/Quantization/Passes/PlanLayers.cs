using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Finds the graph's layers and applies the recipe's bits and rules to them.</summary>
public sealed class PlanLayers : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "plan layers";

    /// <inheritdoc/>
    public double Weight => 1;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var model = state.Graph.Clone();
        // The simulation needs to know which values are float16.
        ShapeInferrer.Infer(model);
        var layers = Find(state, model.Graph);
        var plan = Plan(state, model.Graph, layers);
        if (plan.Layers.All(l => l.Mode == LayerMode.Float))
        {
            throw QuantizationErrors.NothingToQuantize(state.Source.ModelPath, state.Recipe.Bits.ToString());
        }

        return state with
        {
            Graph = model,
            Layers = layers,
            Plan = plan,
        };
    }

    /// <summary>The plan of a graph's layers; those that were planned before keep the widths of their channels.</summary>
    internal static QuantizationPlan Plan(QuantizationState state, OnnxGraph graph, QuantizableLayer[] layers)
    {
        var plan = new LayerPlanner(graph, state.Recipe).Plan(layers);
        var known = state.Plan.Layers.ToDictionary(l => l.Layer, l => l.ChannelBits, StringComparer.Ordinal);
        return plan with
        {
            Layers = [.. plan.Layers.Select(l => l with { ChannelBits = known.GetValueOrDefault(l.Layer) })],
        };
    }

    /// <summary>The layers of a rewritten graph; those that were known before stand where they stood, whatever surrounds
    /// them now.</summary>
    internal static QuantizableLayer[] Find(QuantizationState state, OnnxGraph graph)
    {
        var contract = state.Source.Contract;
        var known = state.Layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        return
        [
            .. LayerAnalysis
                .Find(graph, contract.Sample.Name, contract.Timestep.Name)
                .Select(l => known.TryGetValue(l.Name, out var old) ? l with { Positions = old.Positions } : l),
        ];
    }
}
