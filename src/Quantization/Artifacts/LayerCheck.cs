using System.Runtime.InteropServices;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>
/// Compares each layer's output in the simulation with its output in float, on the same calls. Errors of earlier layers are
/// included: it is the quality that a layer hands on.
/// </summary>
internal static class LayerCheck
{
    private const long BudgetBytes = 64L << 20;

    /// <summary>The SQNR of each layer's output in dB, by the layer's name; layers inside branches of the graph have none.</summary>
    /// <param name="state">The finished plan.</param>
    /// <param name="calls">The calls to compare on.</param>
    /// <param name="settings">Device and threads.</param>
    /// <param name="cancellation">Stops the comparison.</param>
    public static IReadOnlyDictionary<string, double> Run(
        QuantizationState state,
        IReadOnlyList<DenoiserCall> calls,
        SessionSettings settings,
        CancellationToken cancellation
    )
    {
        if (calls.Count == 0)
        {
            return new Dictionary<string, double>();
        }

        var nodes = state.Graph.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        // What a branch computes cannot be seen from outside.
        var values = state
            .Plan.Layers.Where(l => nodes.ContainsKey(l.Layer))
            .ToDictionary(l => l.Layer, l => nodes[l.Layer].Outputs[0]);
        string[] observed = [.. values.Values.Distinct(StringComparer.Ordinal)];
        using var exactSession = ModelSession.Load(ObservedGraph.Of(state.Graph, observed, out _), settings);
        using var exact = new OnnxDenoiser(exactSession, state.Source.Contract);
        var simulation = SimulationBuilder.Build(state.Graph, state.Plan);
        using var simulatedSession = ModelSession.Load(ObservedGraph.Of(simulation, observed, out _), settings);
        using var simulated = new OnnxDenoiser(simulatedSession, state.Source.Contract);

        var portions = ObservationPortions.Of(observed, Sizes(exact, calls[0], observed, cancellation), BudgetBytes);
        var sums = observed.ToDictionary(v => v, _ => (Signal: 0.0, Noise: 0.0), StringComparer.Ordinal);
        foreach (var call in calls)
        {
            foreach (var rows in Enumerable.Range(0, call.Count).Chunk(portions.Rows))
            {
                var part = call.Take(rows);
                foreach (var group in portions.Groups)
                {
                    var floats = Fetch(exact, part, group, cancellation);
                    var codes = Fetch(simulated, part, group, cancellation);
                    for (var i = 0; i < group.Count; i++)
                    {
                        var (signal, noise) = SignalToNoise.Powers(
                            CollectionsMarshal.AsSpan(floats[i]),
                            CollectionsMarshal.AsSpan(codes[i])
                        );
                        var sum = sums[group[i]];
                        sums[group[i]] = (sum.Signal + signal, sum.Noise + noise);
                    }
                }
            }
        }

        return values.ToDictionary(
            v => v.Key,
            v => Math.Round(SignalToNoise.Decibels(sums[v.Value].Signal, sums[v.Value].Noise), 2)
        );
    }

    private static Dictionary<string, long> Sizes(
        OnnxDenoiser denoiser,
        DenoiserCall call,
        string[] values,
        CancellationToken cancellation
    )
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        denoiser.Predict(
            call.Take(0),
            values,
            run =>
            {
                foreach (var value in values)
                {
                    sizes[value] = Tensors.Dims(run.Outputs[value]).Aggregate(4L, (a, b) => a * b);
                }
            },
            cancellation
        );
        return sizes;
    }

    /// <summary>The values in the order asked for; of a call that takes several runs, their rows one after another.</summary>
    private static List<float>[] Fetch(
        OnnxDenoiser denoiser,
        DenoiserCall call,
        IReadOnlyList<string> values,
        CancellationToken cancellation
    )
    {
        List<float>[] result = [.. values.Select(_ => new List<float>())];
        denoiser.Predict(
            call,
            values,
            run =>
            {
                for (var i = 0; i < values.Count; i++)
                {
                    result[i].AddRange(Tensors.ToFloats(run.Outputs[values[i]]));
                }
            },
            cancellation
        );
        return result;
    }
}
