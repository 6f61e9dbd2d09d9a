using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Simulation;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// What a unit is tuned on, a row for each calibration pair: its inputs as the quantized network before it gives them, and
/// its outputs as the float network gives them; so a unit also makes up for the errors before it (BRECQ's code).
/// </summary>
internal sealed class UnitData : IDisposable
{
    private readonly Dictionary<string, RowStore> inputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RowStore> floatInputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RowStore> targets = new(StringComparer.Ordinal);

    private UnitData(int count) => Count = count;

    /// <summary>The number of rows.</summary>
    public int Count { get; }

    /// <summary>The unit's inputs behind the quantized network, by value. A row's first size is the elements that the
    /// value's first dimension holds for one pair, 1 as a rule.</summary>
    public IReadOnlyDictionary<string, RowStore> Inputs => inputs;

    /// <summary>The unit's inputs in the float network; only where they are wanted.</summary>
    public IReadOnlyDictionary<string, RowStore> FloatInputs => floatInputs;

    /// <summary>The unit's outputs in the float network.</summary>
    public IReadOnlyDictionary<string, RowStore> Targets => targets;

    /// <summary>Runs both networks over calibration's pairs.</summary>
    /// <param name="state">The graph and the plan so far; what it says of the unit itself is not looked at.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="rows">The pairs.</param>
    /// <param name="settings">Says which inputs are wanted.</param>
    /// <param name="context">Device, memory, cancellation.</param>
    public static UnitData Collect(
        QuantizationState state,
        ReconstructionUnit unit,
        UnitRows rows,
        ReconstructionSettings settings,
        PassContext context
    )
    {
        var data = new UnitData(rows.Count);
        try
        {
            var wantsFloatInputs = settings.DropProbability > 0;
            string[] floats = wantsFloatInputs ? [.. unit.Outputs, .. unit.Inputs] : [.. unit.Outputs];
            data.Fill(
                state,
                PartialGraph.Of(state.Graph, floats, out var shown),
                rows,
                [
                    .. unit.Outputs.Select(o => (shown[o], o, data.targets)),
                    .. (wantsFloatInputs ? unit.Inputs : []).Select(i => (shown[i], i, data.floatInputs)),
                ],
                context
            );
            var prefix = PartialGraph.Of(state.Graph, unit.Inputs, out shown);
            data.Fill(
                state,
                Simulation(prefix, state.Plan, settings),
                rows,
                [.. unit.Inputs.Select(i => (shown[i], i, data.inputs))],
                context
            );
            return data;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>A part of the network as the plan has it, ready to run.</summary>
    public static OnnxModel Simulation(OnnxModel part, Plan.QuantizationPlan plan, ReconstructionSettings settings)
    {
        if (settings.QuantizesActivations)
        {
            return SimulationBuilder.Build(part, plan);
        }

        var simulation = SimulationBuilder.Build(part, new WeightsOnlyParts(plan));
        simulation.Graph.RemoveUnused();
        simulation.Graph.ValueInfos.Clear();
        return simulation;
    }

    public void Dispose()
    {
        foreach (var store in inputs.Values.Concat(floatInputs.Values).Concat(targets.Values))
        {
            store.Dispose();
        }
    }

    private void Fill(
        QuantizationState state,
        OnnxModel model,
        UnitRows rows,
        (string Output, string Value, Dictionary<string, RowStore> Stores)[] wanted,
        PassContext context
    )
    {
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        string[] outputs = [.. wanted.Select(w => w.Output).Distinct(StringComparer.Ordinal)];
        foreach (var batch in rows.Batches(state.Recipe.CalibrationBatch))
        {
            denoiser.Observe(
                rows.Call(batch),
                outputs,
                run =>
                {
                    foreach (var (output, value, stores) in wanted)
                    {
                        Keep(run, run.Outputs[output], value, stores, batch, context.Memory);
                    }
                },
                context.Cancellation
            );
        }
    }

    private void Keep(
        DenoiserRun run,
        OrtValue tensor,
        string value,
        Dictionary<string, RowStore> stores,
        int[] batch,
        MemoryBudget memory
    )
    {
        var dims = Tensors.Dims(tensor);
        var floats = Tensors.ToFloats(tensor);
        // A value that all pairs of a run share is repeated for each.
        var isShared = dims.Length == 0 || dims[0] % run.Call.Count != 0;
        var length = isShared ? floats.Length : floats.Length / run.Call.Count;
        if (!stores.TryGetValue(value, out var store))
        {
            long[] rowDims = dims.Length == 0 ? [1] : [isShared ? dims[0] : dims[0] / run.Call.Count, .. dims[1..]];
            stores[value] = store = RowStore.Create(Count, rowDims, memory);
        }

        for (var i = 0; i < run.Rows.Count; i++)
        {
            floats.AsSpan(isShared ? 0 : i * length, length).CopyTo(store.Row(batch[run.Rows[i]]));
        }
    }
}
