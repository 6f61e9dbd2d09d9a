using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>Rows that layers read in the float network, thinned out evenly over pairs and places.</summary>
internal static class LayerRows
{
    /// <summary>How many rows are kept of a layer: enough to compare errors of its output's channels.</summary>
    private const int MostRows = 2048;

    private const int MostSamples = 128;

    /// <summary>The bytes of a layer's rows.</summary>
    public static long BytesOf(LayerInputs inputs) => (long)MostRows * inputs.Columns * inputs.Groups * sizeof(float);

    /// <summary>Runs the float network.</summary>
    /// <param name="state">The graph and the pairs.</param>
    /// <param name="layers">The layers, with how they walk over their inputs.</param>
    /// <param name="context">Device, cancellation.</param>
    /// <returns>The rows of each group of each layer, one behind the other.</returns>
    public static IReadOnlyDictionary<QuantizableLayer, float[][]> Collect(
        QuantizationState state,
        IReadOnlyDictionary<QuantizableLayer, LayerInputs> layers,
        PassContext context
    )
    {
        string[] values = [.. layers.Keys.Select(l => l.Node.Inputs[0]).Distinct(StringComparer.Ordinal)];
        var model = PartialGraph.Of(state.Graph, values, out var outputs);
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var samples = state.Samples!;
        var observed = new ObservedValues(denoiser, samples, outputs, context.Cancellation);
        var count = Math.Min(samples.Count, MostSamples);
        var rows = Enumerable.Range(0, count).Select(i => (int)((long)i * samples.Count / count));
        var kept = layers.ToDictionary(
            l => l.Key,
            l => Enumerable.Range(0, l.Value.Groups).Select(_ => new List<float>()).ToArray()
        );
        foreach (var batch in rows.Chunk(state.Recipe.CalibrationBatch))
        {
            observed.Show(
                batch,
                (run, group) =>
                {
                    foreach (var value in group)
                    {
                        var tensor = observed.Of(run, value);
                        var (dims, floats) = (Tensors.Dims(tensor), Tensors.ToFloats(tensor));
                        foreach (var (layer, inputs) in layers.Where(l => l.Key.Node.Inputs[0] == value))
                        {
                            var total = inputs.Places(dims) / run.Call.Count * count;
                            // Odd, so that it does not step from one border of an image to the same border again.
                            var every = (int)Math.Max(total / MostRows, 1) | 1;
                            for (var part = 0; part < inputs.Groups; part++)
                            {
                                kept[layer][part].AddRange(inputs.Rows(floats, dims, part, every));
                            }
                        }
                    }
                }
            );
        }

        return kept.ToDictionary(k => k.Key, k => Array.ConvertAll(k.Value, r => r.ToArray()));
    }
}
