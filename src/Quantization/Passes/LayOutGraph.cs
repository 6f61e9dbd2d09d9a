using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Gives the graph the layout that integer convolutions work in, and takes the finished plan over to it. It comes last:
/// passes before it work on the graph as it was exported, whose blocks are recognisable and whose float convolutions are
/// fast.
/// </summary>
public sealed class LayOutGraph : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "lay out graph";

    /// <inheritdoc/>
    public double Weight => 2;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        if (!state.Recipe.Bits.QuantizesActivations)
        {
            // Worse than nothing around float convolutions.
            return state;
        }

        var model = state.Graph.Clone();
        RewriteGroupNorms.Apply(model);
        ChannelsLast.Apply(model);
        // The export needs to know which values are float16.
        ShapeInferrer.Infer(model);
        var contract = state.Source.Contract;
        var known = state.Layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        QuantizableLayer[] layers =
        [
            .. LayerAnalysis
                .Find(model.Graph, contract.Sample.Name, contract.Timestep.Name)
                .Select(l => known.TryGetValue(l.Name, out var old) ? l with { Positions = old.Positions } : l),
        ];
        var plan = new LayerPlanner(model.Graph, state.Recipe).Plan(layers);
        var (carried, values) = Carry(state.Plan, plan);
        return state with
        {
            Graph = model,
            Layers = layers,
            Plan = carried,
            Statistics = state.Statistics?.Renamed(values),
        };
    }

    /// <summary>
    /// Fills a new plan with what an old one chose for the same layers. Points may be called differently, since values are;
    /// which layer reads them at which place tells them.
    /// </summary>
    /// <returns>The plan, and for each of its points' values what it was called.</returns>
    private static (QuantizationPlan Plan, IReadOnlyDictionary<string, string> Values) Carry(
        QuantizationPlan old,
        QuantizationPlan plan
    )
    {
        var layers = old.Layers.ToDictionary(l => l.Layer, StringComparer.Ordinal);
        var activations = new Dictionary<ActivationPoint, UniformQuantizer>();
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var carried = plan.Layers.Select(layer =>
        {
            var from = layers[layer.Layer];
            foreach (var (point, before) in layer.Points.Zip(from.Points))
            {
                activations.TryAdd(point, old.Activations[before]);
                values.TryAdd(point.Value, before.Value);
            }

            return layer with
            {
                Weight = from.Weight,
                BiasCorrection = from.BiasCorrection,
            };
        });
        return (new([.. carried], activations), values);
    }
}
