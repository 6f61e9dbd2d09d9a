using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// The largest magnitude of each channel of layers' inputs, for each group of timesteps. The network computes the maxima
/// itself, so that only as many numbers as there are channels come out of it.
/// </summary>
internal static class ChannelMaxima
{
    /// <summary>Runs the float network over calibration's pairs.</summary>
    /// <param name="state">The graph and the pairs.</param>
    /// <param name="inputs">Whose values; those with weights.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    /// <returns>For each input the maxima of each group of timesteps.</returns>
    public static IReadOnlyDictionary<ScaledInput, IReadOnlyList<float[]>> Of(
        QuantizationState state,
        IReadOnlyList<ScaledInput> inputs,
        PassContext context
    )
    {
        var samples = state.Samples!;
        var model = Observed(state.Graph, inputs, out var outputs);
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var timesteps = new ObservedTimesteps(samples.Timesteps, state.Source.Contract.Fed);
        var maxima = inputs.ToDictionary(i => i, _ => new Dictionary<double, float[]>());
        var seen = 0;
        foreach (var rows in samples.Batches(state.Recipe.CalibrationBatch))
        {
            var group = timesteps.Of(samples.TimestepOf(rows[0]));
            denoiser.Observe(
                samples.Call(rows),
                [.. outputs.Values],
                run =>
                {
                    foreach (var (input, output) in outputs)
                    {
                        Raise(maxima[input], group, Tensors.ToFloats(run.Outputs[output]));
                    }
                },
                context.Cancellation
            );
            seen += rows.Length;
            context.Progress((double)seen / samples.Count, $"{seen} of {samples.Count} samples");
        }

        return maxima.ToDictionary(m => m.Key, m => (IReadOnlyList<float[]>)[.. m.Value.Values]);
    }

    private static void Raise(Dictionary<double, float[]> maxima, double group, float[] values)
    {
        if (!maxima.TryAdd(group, values))
        {
            System.Numerics.Tensors.TensorPrimitives.Max(maxima[group], values, maxima[group]);
        }
    }

    /// <summary>The part of the network that the inputs need, with their channels' maxima as outputs.</summary>
    private static OnnxModel Observed(
        OnnxModel model,
        IReadOnlyList<ScaledInput> inputs,
        out IReadOnlyDictionary<ScaledInput, string> outputs
    )
    {
        var copy = model.Clone();
        var editor = new GraphEditor(copy.Graph);
        var names = new Dictionary<ScaledInput, string>();
        foreach (var input in inputs)
        {
            var rank = copy.Graph.ShapeOf(input.Value)!.Rank;
            var others = Enumerable.Range(0, rank).Where(a => a != input.ChannelAxis(rank)).Select(a => (long)a);
            long[] axes = [.. others];
            var magnitudes = editor.Node("Abs", $"{input.Value}_magnitude", [input.Value]);
            var wanted = $"{input.Value}_maxima";
            names[input] =
                copy.Opset < 18
                    ? editor.Node("ReduceMax", wanted, [magnitudes], ("axes", axes), ("keepdims", 0L))
                    : editor.Node("ReduceMax", wanted, [magnitudes, editor.Integers(axes)], ("keepdims", 0L));
            copy.Graph.Outputs.Add(new(names[input], ElementType.Undefined, null));
        }

        outputs = names;
        return copy.WithGraph(copy.Graph.Cut([.. copy.Graph.Inputs.Select(i => i.Name)], [.. names.Values]));
    }
}
