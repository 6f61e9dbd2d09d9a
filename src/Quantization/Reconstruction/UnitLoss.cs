using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Plan;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>A unit's squared error with a finished plan, over some of its rows.</summary>
/// <param name="part">The unit, cut out for a batch.</param>
/// <param name="unit">The unit.</param>
/// <param name="data">Its rows.</param>
/// <param name="settings">Says whether activations are quantized.</param>
/// <param name="batch">Pairs in a batch.</param>
/// <param name="session">Device and threads.</param>
internal sealed class UnitLoss(
    OnnxModel part,
    ReconstructionUnit unit,
    UnitData data,
    ReconstructionSettings settings,
    int batch,
    SessionSettings session
)
{
    private const int MostRows = 128;

    /// <summary>The mean of (ŷ − y)² over all outputs' elements.</summary>
    public double Of(QuantizationPlan plan, CancellationToken cancellation)
    {
        using var simulation = ModelSession.Load(UnitData.Simulation(part, plan, settings), session);
        var (sum, count) = (0.0, 0L);
        foreach (var rows in Rows())
        {
            var inputs = part.Graph.Inputs.ToDictionary(i => i.Name, i => Input(i, rows), StringComparer.Ordinal);
            try
            {
                using var outputs = simulation.Run(inputs, unit.Outputs, cancellation);
                foreach (var output in unit.Outputs)
                {
                    var actual = Tensors.ToFloats(outputs[output]);
                    var target = Gather(data.Targets[output], rows);
                    for (var i = 0; i < actual.Length; i++)
                    {
                        var error = (double)actual[i] - target[i];
                        sum += error * error;
                    }

                    count += actual.Length;
                }
            }
            finally
            {
                foreach (var value in inputs.Values)
                {
                    value.Dispose();
                }
            }
        }

        return sum / Math.Max(count, 1);
    }

    /// <summary>Batches spread over all rows, which lie in the order of timesteps.</summary>
    private IEnumerable<int[]> Rows()
    {
        var count = Math.Max(Math.Min(data.Count, MostRows) / batch, 1) * batch;
        return Enumerable.Range(0, count).Select(i => (int)((long)i * data.Count / count)).Chunk(batch);
    }

    private OrtValue Input(ValueInfo input, int[] rows)
    {
        var store = data.Inputs[input.Name];
        var values = Gather(store, rows);
        var dims = UnitGraph.BatchDims(store.RowDims, batch);
        return input.ElementType.IsFloatingPoint()
            ? Tensors.FromFloats(values, dims, input.ElementType)
            : Diffusion.InputValues.OfIntegers(Array.ConvertAll(values, v => (long)v), dims, input.ElementType);
    }

    private static float[] Gather(RowStore store, int[] rows)
    {
        var result = new float[rows.Length * store.RowLength];
        store.Gather(rows, result);
        return result;
    }
}
