using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Reconstruction;
using DiffusionQuant.Quantization.Simulation;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Takes the mean error of each layer's output channels out of its bias (Nagel et al., ICCV 2019, section 4.2): rounding
/// shifts a channel's mean, and a sampler adds the shifts of all its steps up. Block by block, since a correction changes
/// what comes behind it; layers without a bias stay as they are.
/// </summary>
public sealed class BiasCorrection : IQuantizationPass
{
    private const int MostSamples = 32;

    // Within a block the later layers' errors hold those of the earlier ones; the second round sees what that left.
    private const int Rounds = 2;

    /// <inheritdoc/>
    public string Name => "correct biases";

    /// <inheritdoc/>
    public double Weight => 60;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var nodes = state.Graph.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var samples = state.Samples!;
        var count = Math.Min(samples.Count, MostSamples);
        var rows = Enumerable.Range(0, count).Select(i => (int)((long)i * samples.Count / count));
        DenoiserCall[] calls = [.. rows.Chunk(state.Recipe.CalibrationBatch).Select(batch => samples.Call(batch))];
        var units = BlockTags.Read(state.Graph.Graph, state.Plan.Layers.Select(l => l.Layer));
        for (var i = 0; i < units.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            context.Progress((double)i / units.Count, units[i].Name);
            var outputs = state
                .Plan.Layers.Where(l => units[i].Layers.Contains(l.Layer) && HasBias(state.Graph.Graph, nodes, l))
                .ToDictionary(l => nodes[l.Layer].Outputs[0], StringComparer.Ordinal);
            if (outputs.Count == 0)
            {
                continue;
            }

            var part = PartialGraph.Of(state.Graph, [.. outputs.Keys], out _);
            var exact = Means(state, part, outputs, calls, context);
            for (var round = 0; round < Rounds; round++)
            {
                var simulated = Means(state, SimulationBuilder.Build(part, state.Plan), outputs, calls, context);
                state = state with { Plan = Corrected(state.Plan, outputs, exact, simulated) };
            }
        }

        return state;
    }

    private static bool HasBias(OnnxGraph graph, Dictionary<string, OnnxNode> nodes, LayerPlan layer) =>
        layer.Weight is not null
        && nodes.TryGetValue(layer.Layer, out var node)
        && layer.BiasOf(node) is { } bias
        && graph.Initializers.ContainsKey(bias);

    private static QuantizationPlan Corrected(
        QuantizationPlan plan,
        Dictionary<string, LayerPlan> outputs,
        Dictionary<string, double[]> exact,
        Dictionary<string, double[]> simulated
    )
    {
        var values = outputs.ToDictionary(o => o.Value.Layer, o => o.Key, StringComparer.Ordinal);
        return plan with
        {
            Layers =
            [
                .. plan.Layers.Select(l =>
                    values.TryGetValue(l.Layer, out var value)
                        ? l with
                        {
                            BiasCorrection =
                            [
                                .. exact[value]
                                    .Select((e, c) => (float)((l.BiasCorrection?[c] ?? 0) + e - simulated[value][c])),
                            ],
                        }
                        : l
                ),
            ],
        };
    }

    /// <summary>The mean of each channel of each output.</summary>
    private static Dictionary<string, double[]> Means(
        QuantizationState state,
        OnnxModel model,
        Dictionary<string, LayerPlan> outputs,
        DenoiserCall[] calls,
        PassContext context
    )
    {
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var sums = outputs.ToDictionary(o => o.Key, o => new double[o.Value.Weight!.Quantizers.Count]);
        var counts = outputs.ToDictionary(o => o.Key, _ => 0L);
        foreach (var call in calls)
        {
            denoiser.Observe(
                call,
                [.. outputs.Keys],
                run =>
                {
                    foreach (var (output, layer) in outputs)
                    {
                        counts[output] += Add(run.Outputs[output], layer, sums[output]);
                    }
                },
                context.Cancellation
            );
        }

        return sums.ToDictionary(s => s.Key, s => Array.ConvertAll(s.Value, v => v / Math.Max(counts[s.Key], 1)));
    }

    /// <summary>Adds each channel's elements, and returns how many there were.</summary>
    private static long Add(OrtValue tensor, LayerPlan layer, double[] sums)
    {
        var values = Tensors.ToFloats(tensor);
        var dims = Tensors.Dims(tensor);
        // A convolution's channels stand behind the batch, Gemm's last.
        var inner = layer.Kind == LayerKind.Gemm ? 1 : (int)dims[2..].Aggregate(1L, (a, b) => a * b);
        for (var start = 0; start < values.Length; start += inner)
        {
            sums[start / inner % sums.Length] += PortableSums.Sum(values.AsSpan(start, inner));
        }

        return values.Length / sums.Length;
    }
}
