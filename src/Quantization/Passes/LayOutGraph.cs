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

        var model = Rewritten(state.Graph);
        var layers = PlanLayers.Find(state, model.Graph);
        var plan = PlanLayers.Plan(state, model.Graph, layers);
        var (carried, values) = Carry(state.Plan, plan);
        return state with
        {
            Graph = model,
            Layers = layers,
            Plan = carried,
            Statistics = state.Statistics?.Renamed(values),
        };
    }

    /// <summary>The graph in that layout.</summary>
    internal static OnnxModel Rewritten(OnnxModel graph)
    {
        var model = graph.Clone();
        RewriteGroupNorms.Apply(model);
        ChannelsLast.Apply(model);
        // The export needs to know which values are float16.
        ShapeInferrer.Infer(model);
        return model;
    }

    /// <summary>
    /// Fills a new plan with what an old one chose for the same layers. Points may be called differently, since values are;
    /// which layer reads them at which place tells them.
    /// </summary>
    /// <returns>The plan, and for each of its points' values what it was called.</returns>
    internal static (QuantizationPlan Plan, IReadOnlyDictionary<string, string> Values) Carry(
        QuantizationPlan old,
        QuantizationPlan plan
    )
    {
        var layers = old.Layers.ToDictionary(l => l.Layer, StringComparer.Ordinal);
        var activations = new Dictionary<ActivationPoint, UniformQuantizer>();
        var timesteps = new Dictionary<ActivationPoint, TimestepTable>();
        var logarithmic = new HashSet<ActivationPoint>();
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        LayerPlan[] carried = [.. plan.Layers.Select(OfLayer)];
        return (
            plan with
            {
                Layers = carried,
                Activations = activations,
                Timesteps = timesteps,
                Logarithmic = logarithmic,
            },
            values
        );

        LayerPlan OfLayer(LayerPlan layer)
        {
            var from = layers[layer.Layer];
            foreach (var (point, before) in layer.Points.Zip(from.Points))
            {
                activations.TryAdd(point, old.Activations[before]);
                values.TryAdd(point.Value, before.Value);
                if (old.Logarithmic.Contains(before))
                {
                    logarithmic.Add(point);
                }

                if (old.Timesteps.TryGetValue(before, out var table))
                {
                    timesteps[point] = table;
                }
            }

            return layer with
            {
                Weight =
                    from.Weight is { } weight && layer.Mode == LayerMode.Integer
                        ? PairedProducts.Settle(weight)
                        : from.Weight,
                BiasCorrection = from.BiasCorrection,
            };
        }
    }
}
