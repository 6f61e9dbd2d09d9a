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
        var contract = state.Source.Contract;
        var model = state.Graph.Clone();
        // The simulation needs to know which values are float16.
        ShapeInferrer.Infer(model);
        QuantizableLayer[] layers = [.. LayerAnalysis.Find(model.Graph, contract.Sample.Name, contract.Timestep.Name)];
        var plan = new LayerPlanner(model.Graph, state.Recipe).Plan(layers);
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
}
