using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Rounds weights in closed form, layer by layer, on the inputs that the quantized network before them gives: no gradients,
/// minutes instead of hours (GPTQ, Frantar et al., ICLR 2023). Channels of 8 bits stay rounded to nearest, which loses
/// nothing there.
/// </summary>
/// <param name="applies">For which recipes; for all by default.</param>
public sealed class Gptq(Predicate<Recipe>? applies = null) : IQuantizationPass
{
    private const int MostSamples = 128;

    /// <inheritdoc/>
    public string Name => "round weights (GPTQ)";

    /// <inheritdoc/>
    public double Weight => 100;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => applies is null || applies(recipe);

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var units = BlockTags.Read(state.Graph.Graph, state.Plan.Layers.Select(l => l.Layer));
        using var product = Hessian.LoadProduct(context.Session);
        for (var i = 0; i < units.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            context.Progress((double)i / units.Count, units[i].Name);
            var layers = state.Plan.Layers.Where(l => units[i].Layers.Contains(l.Layer) && IsRounded(l)).ToArray();
            if (layers.Length > 0)
            {
                state = state with { Plan = Round(state, units[i], layers, product, context) };
            }
        }

        return state;
    }

    private static bool IsRounded(LayerPlan layer) =>
        layer.Weight is { } weight && weight.Quantizers.Any(q => q.Bits < 8) && LayerInputs.AreRowsOf(layer);

    private static QuantizationPlan Round(
        QuantizationState state,
        ReconstructionUnit unit,
        LayerPlan[] layers,
        ModelSession product,
        PassContext context
    )
    {
        var names = layers.Select(l => l.Layer).ToHashSet(StringComparer.Ordinal);
        // The unit's own weights are still float, the activations in front of them are not.
        var open = state.Plan with
        {
            Layers = [.. state.Plan.Layers.Select(l => names.Contains(l.Layer) ? l with { Weight = null } : l)],
        };
        var simulation = SimulationBuilder.Build(PartialGraph.Of(state.Graph, unit.Outputs, out _), open);
        var inputs = simulation
            .Graph.Nodes.Where(n => names.Contains(n.Name))
            .ToDictionary(n => n.Name, n => n.Inputs[0], StringComparer.Ordinal);
        var model = PartialGraph.Of(simulation, [.. inputs.Values.Distinct(StringComparer.Ordinal)], out var shown);
        var nodes = state.Graph.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var samples = state.Samples!;
        var count = Math.Min(samples.Count, MostSamples);
        var rows = Enumerable.Range(0, count).Select(i => (int)((long)i * samples.Count / count));
        var walks = layers.ToDictionary(
            l => l.Layer,
            l => new LayerInputs(state.Layers.Single(a => a.Name == l.Layer))
        );
        var hessians = new Dictionary<string, Hessian>(StringComparer.Ordinal);
        foreach (var batch in rows.Chunk(state.Recipe.CalibrationBatch))
        {
            denoiser.Observe(
                samples.Call(batch),
                [.. shown.Values.Distinct(StringComparer.Ordinal)],
                run =>
                {
                    foreach (var layer in layers)
                    {
                        var tensor = run.Outputs[shown[inputs[layer.Layer]]];
                        var dims = Tensors.Dims(tensor);
                        var walk = walks[layer.Layer];
                        if (!hessians.TryGetValue(layer.Layer, out var hessian))
                        {
                            var total = walk.Places(dims) / run.Call.Count * count;
                            hessians[layer.Layer] = hessian = new(walk, total, product);
                        }

                        hessian.Add(Tensors.ToFloats(tensor), dims);
                    }
                },
                context.Cancellation
            );
        }

        return state.Plan with
        {
            Layers =
            [
                .. state.Plan.Layers.Select(l =>
                    hessians.TryGetValue(l.Layer, out var hessian)
                        ? l with
                        {
                            Weight = Round(WeightOf(state, nodes[l.Layer]), l.Weight!, walks[l.Layer], hessian),
                        }
                        : l
                ),
            ],
        };
    }

    private static OnnxTensor WeightOf(QuantizationState state, OnnxNode node) =>
        state.Graph.Graph.Initializers[node.Inputs[1]];

    private static QuantizedWeight Round(OnnxTensor tensor, QuantizedWeight nearest, LayerInputs walk, Hessian hessian)
    {
        var channels = WeightChannels.Gather(tensor.ToFloats().Span, nearest.Dims, nearest.Axis);
        var codes = WeightChannels.Gather(nearest.Codes.Span, nearest.Dims, nearest.Axis);
        var perGroup = channels.Length / walk.Groups;
        for (var group = 0; group < walk.Groups; group++)
        {
            var solver = new GptqSolver(hessian.Of(group), walk.Columns);
            var first = group * perGroup;
            Workers.For(
                first,
                first + perGroup,
                c =>
                {
                    if (nearest.Quantizers[c].Bits < 8)
                    {
                        solver.Round(channels[c], nearest.Quantizers[c], codes[c]);
                    }
                }
            );
        }

        return nearest.WithCodes(WeightChannels.Scatter(codes, nearest.Dims, nearest.Axis));
    }
}
