using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// What the middle of the network makes of calibration's samples: of each a vector, the mean of every channel over all
/// places.
/// </summary>
internal static class MidFeatures
{
    private const int Rank = 4;

    /// <summary>The features of each state, from its conditional call.</summary>
    public static float[][] Of(QuantizationState state, CalibrationSet samples, PassContext context)
    {
        var graph = state.Graph.Graph;
        var candidates = Candidates(graph, state.Source.Contract.Sample.Name);
        var shown = ObservedGraph.Of(state.Graph, candidates.Select(n => n.Outputs[0]), out var outputs);
        using var session = ModelSession.Load(shown, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var isMap = false;
        var middle = "";
        denoiser.Observe(
            samples.Call(0),
            [.. candidates.Select(n => outputs[n.Outputs[0]])],
            run => (middle, isMap) = Middle(candidates, n => Tensors.Dims(run.Outputs[outputs[n.Outputs[0]]])),
            context.Cancellation
        );
        var features = new float[samples.StateCount][];
        var done = 0;
        foreach (var rows in samples.Batches(state.Recipe.CalibrationBatch).Where(b => !samples.IsUnconditional(b[0])))
        {
            denoiser.Observe(
                samples.Call(rows),
                [outputs[middle]],
                run =>
                {
                    var tensor = run.Outputs[outputs[middle]];
                    var values = Tensors.ToFloats(tensor);
                    var length = values.Length / run.Call.Count;
                    var channels = (int)Tensors.Dims(tensor)[isMap ? 1 : ^1];
                    for (var i = 0; i < run.Rows.Count; i++)
                    {
                        features[rows[run.Rows[i]]] = Mean(values.AsSpan(i * length, length), channels, isMap);
                    }
                },
                context.Cancellation
            );
            done += rows.Length;
            context.Progress((double)done / samples.StateCount, $"features of {done} samples");
        }

        return features;
    }

    /// <summary>
    /// The middle of a network: of its convolutions those on the smallest maps, which in a U-Net are those around its
    /// bottleneck, and of these the one in the middle. A network whose maps do not shrink (a transformer) has it in the
    /// middle of its layers.
    /// </summary>
    /// <param name="layers">Layers in topological order.</param>
    /// <param name="dimsOf">The sizes of a layer's output for one sample.</param>
    /// <returns>The value, and whether it is a map [N,C,H,W] rather than tokens [N,…,C].</returns>
    internal static (string Value, bool IsMap) Middle(IReadOnlyList<OnnxNode> layers, Func<OnnxNode, long[]> dimsOf)
    {
        var maps = layers
            .Where(n => n.Is("Conv") && dimsOf(n).Length == Rank)
            .Select(n => (Node: n, Area: dimsOf(n)[2] * dimsOf(n)[3]))
            .ToArray();
        if (maps.Length > 0 && maps.Min(m => m.Area) < maps.Max(m => m.Area))
        {
            var smallest = maps.Where(m => m.Area == maps.Min(o => o.Area)).ToArray();
            return (smallest[smallest.Length / 2].Node.Outputs[0], true);
        }

        var middle = layers[layers.Count / 2];
        return (middle.Outputs[0], middle.Is("Conv") && dimsOf(middle).Length == Rank);
    }

    /// <summary>The layers behind the sample: only they tell one sample from another.</summary>
    private static OnnxNode[] Candidates(OnnxGraph graph, string sample)
    {
        var behind = new HashSet<string>(StringComparer.Ordinal) { sample };
        var layers = new List<OnnxNode>();
        var others = new List<OnnxNode>();
        foreach (var node in graph.Nodes.Where(n => GraphChecker.Reads(n).Any(behind.Contains)))
        {
            behind.UnionWith(node.Outputs);
            var isLayer = node.Is("Conv") || node.Is("Gemm") || node.Is("MatMul");
            (isLayer ? layers : others).Add(node);
        }

        // Layers inside branches and loops cannot be seen; what these compute can.
        return [.. layers.Count > 0 ? layers : others.Where(n => n.Outputs[0].Length > 0)];
    }

    private static float[] Mean(ReadOnlySpan<float> values, int channels, bool isMap)
    {
        var result = new float[channels];
        var places = values.Length / channels;
        for (var i = 0; i < values.Length; i++)
        {
            result[isMap ? i / places : i % channels] += values[i] / places;
        }

        return result;
    }
}
