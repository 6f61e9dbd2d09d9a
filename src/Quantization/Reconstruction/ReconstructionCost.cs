using System.Diagnostics;
using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>What a reconstruction will take, measured on a few samples before it begins.</summary>
/// <param name="Units">The number of blocks.</param>
/// <param name="Settings">What is learned, and how.</param>
/// <param name="Time">An estimate of the time.</param>
/// <param name="Bytes">What the samples of the largest block take.</param>
/// <param name="SpilledBytes">How much of that goes to disk.</param>
internal sealed record ReconstructionCost(
    int Units,
    ReconstructionSettings Settings,
    TimeSpan Time,
    long Bytes,
    long SpilledBytes
)
{
    private const int ProbeSteps = 3;

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Units} blocks, {Settings.Iterations} steps of {Settings.BatchSize} samples each, about {Math.Max(1, Math.Round(Time.TotalMinutes))} min; samples take {Megabytes(Bytes)} MB{(SpilledBytes > 0 ? $", {Megabytes(SpilledBytes)} MB of them on disk" : " of memory")}"
        );

    /// <summary>Measures: each value's size with one sample, and some steps on the block with the most work.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4020: samples will not fit on the disk. DQ4030 to DQ4032:
    /// the block cannot be differentiated.</exception>
    public static ReconstructionCost Measure(
        QuantizationState state,
        IReadOnlyList<ReconstructionUnit> units,
        ReconstructionSettings settings,
        PassContext context
    )
    {
        if (units.Count == 0)
        {
            return new(0, settings, TimeSpan.Zero, 0, 0);
        }

        var sizes = Sizes(state, units, context, out var forward);
        var samples = state.Samples!.Count;
        long Bytes(ReconstructionUnit unit) =>
            samples
            * (
                ((settings.DropProbability > 0 ? 2 : 1) * unit.Inputs.Sum(i => sizes[i]))
                + unit.Outputs.Sum(o => sizes[o])
            );

        var bytes = units.Max(Bytes);
        var spilled = Math.Max(bytes - context.Memory.Bytes, 0);
        RowStore.CheckRoom(context.Memory, spilled);

        var work = units.ToDictionary(u => u, u => u.Layers.Sum(l => Work(state, l, sizes)));
        var largest = units.MaxBy(u => work[u])!;
        var step = Probe(state, largest, settings, context);
        var training = step * settings.Iterations * units.Sum(u => (double)work[u] / Math.Max(work[largest], 1));
        // The float and the quantized network, each half of the way on the average; fake quantization doubles its time.
        var collecting = forward * samples * units.Count * 1.5;
        return new(units.Count, settings, training + collecting, bytes, spilled);
    }

    /// <summary>Bytes of each value for one sample, and the time of the whole network for it.</summary>
    private static Dictionary<string, long> Sizes(
        QuantizationState state,
        IReadOnlyList<ReconstructionUnit> units,
        PassContext context,
        out TimeSpan forward
    )
    {
        var nodes = state.Graph.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var values = units
            .SelectMany(u => u.Inputs.Concat(u.Outputs).Concat(u.Layers.Select(l => nodes[l].Outputs[0])))
            .Distinct(StringComparer.Ordinal)
            .ToArray();
        using var session = ModelSession.Load(PartialGraph.Of(state.Graph, values, out var shown), context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var call = state.Samples!.Call(0);
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        string[] outputs = [.. shown.Values.Distinct(StringComparer.Ordinal)];
        denoiser.Observe(
            call,
            outputs,
            run =>
            {
                foreach (var value in values)
                {
                    var elements = Tensors.Dims(run.Outputs[shown[value]]).Aggregate(4L, (a, b) => a * b);
                    sizes[value] = elements / run.Call.Count;
                }
            },
            context.Cancellation
        );
        var started = Stopwatch.GetTimestamp();
        denoiser.Observe(call, outputs, _ => { }, context.Cancellation);
        forward = Stopwatch.GetElapsedTime(started);
        return sizes;
    }

    /// <summary>Multiplications of a layer for one sample.</summary>
    private static long Work(QuantizationState state, string layer, Dictionary<string, long> sizes)
    {
        var plan = state.Plan.Find(layer);
        var output = state.Graph.Graph.Nodes.First(n => n.Name == layer).Outputs[0];
        var perElement = plan?.Weight is { } weight ? weight.Codes.Length / Math.Max(weight.Quantizers.Count, 1) : 64;
        return sizes[output] / 4 * perElement;
    }

    /// <summary>The time of one step on a block.</summary>
    private static TimeSpan Probe(
        QuantizationState state,
        ReconstructionUnit unit,
        ReconstructionSettings settings,
        PassContext context
    )
    {
        var rows = UnitRows.First(state.Samples!, settings.BatchSize);
        using var data = UnitData.Collect(state, unit, rows, settings, context);
        var trainer = new UnitTrainer(state, settings with { Iterations = 1 + ProbeSteps }, context);
        var started = 0L;
        var time = TimeSpan.Zero;
        trainer.Run(
            unit,
            0,
            data,
            new HashSet<ActivationPoint>(),
            step =>
            {
                // The first step warms up.
                if (step == 1)
                {
                    started = Stopwatch.GetTimestamp();
                }

                time = started == 0 ? time : Stopwatch.GetElapsedTime(started);
            }
        );
        return time / ProbeSteps;
    }

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
