using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// Feeds rows to a training graph: all of them once, from which the graph gathers its mini-batches; or, where a GPU cannot
/// hold what main memory could not, each mini-batch's rows, gathered here.
/// </summary>
internal sealed class RowFeed : IDisposable
{
    private readonly List<OrtValue> bound = [];
    private readonly List<(string Name, RowStore Store, float[] Buffer, OrtValue Tensor)> gathered = [];

    /// <summary>Binds the stores.</summary>
    /// <param name="session">The session.</param>
    /// <param name="rows">The inputs with their stores.</param>
    /// <param name="batch">Rows in a mini-batch.</param>
    public RowFeed(TrainingSession session, IReadOnlyList<(string Name, RowStore Store)> rows, int batch)
    {
        foreach (var (name, store) in rows)
        {
            if (GathersInGraph(session.Device, store))
            {
                var tensor = store.AsTensor();
                bound.Add(tensor);
                session.Bind(name, tensor);
            }
            else
            {
                var buffer = new float[batch * store.RowLength];
                gathered.Add((name, store, buffer, Tensors.Of(buffer, [batch, .. store.RowDims])));
            }
        }
    }

    /// <summary>Whether the graph gathers a store's rows.</summary>
    public static bool GathersInGraph(Device device, RowStore store) =>
        device.Kind == DeviceKind.Cpu || !store.IsSpilled;

    /// <summary>The inputs of a mini-batch.</summary>
    public IEnumerable<KeyValuePair<string, OrtValue>> Of(long[] indices)
    {
        var rows = Array.ConvertAll(indices, i => (int)i);
        foreach (var (name, store, buffer, tensor) in gathered)
        {
            store.Gather(rows, buffer);
            yield return new(name, tensor);
        }
    }

    public void Dispose()
    {
        bound.ForEach(b => b.Dispose());
        gathered.ForEach(g => g.Tensor.Dispose());
    }
}
