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
            throw QuantizationErrors.NothingToQuantize(state.Source.ModelPath, WhyNothing(state.Recipe, layers));
        }

        return state with
        {
            Graph = model,
            Layers = layers,
            Plan = plan,
        };
    }

    private static string WhyNothing(Recipes.Recipe recipe, QuantizableLayer[] layers)
    {
        if (layers.Length == 0)
        {
            return "the graph has no convolution, Gemm or MatMul. Export the model without fused operators";
        }

        // Of layers that policy and rules do not leave in float.
        var obstacles = layers
            .Where(l => l.Obstacle is not null && !recipe.BitsOf(l.Description).IsFloat)
            .ToLookup(l => l.Obstacle!, l => l.Name);
        return obstacles.Count == 0
            ? $"policy and rules leave each of the {layers.Length} layers in float ({recipe.Bits}). Check the policy ({recipe.Policy.Name}) and the rules"
            : string.Join(
                "; ",
                obstacles.Select(o =>
                    $"{o.Count()} of the {layers.Length} layers cannot be, {o.First()} for instance, because {o.Key}"
                )
            ) + ". Export the model so that its layers stand in the graph itself, with constant weights";
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
