using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// Divides the channels of layers' inputs by ratios and multiplies the weights by them: what the network computes in float
/// stays the same. The division folds into an affine normalization before it where there is one and nothing between;
/// elsewhere it is a multiplication before the values are rounded.
/// </summary>
internal static class ChannelDivision
{
    /// <summary>Ratios nearer to each other than this are not worth a multiplication.</summary>
    private const double LeastSpread = 1.05;

    /// <summary>Divides the inputs of all layers with weights that compute in integers, and plans the new graph.</summary>
    /// <param name="state">The planned graph and the pairs of calibration.</param>
    /// <param name="choose">Gets an input and, for each group of timesteps, the largest magnitude of each channel; gives the
    /// positive ratio of each channel.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    public static QuantizationState Run(
        QuantizationState state,
        Func<ScaledInput, IReadOnlyList<float[]>, float[]> choose,
        PassContext context
    )
    {
        ScaledInput[] inputs = [.. ScaledInput.Find(state).Where(i => i.HasWeights && IsKnown(state.Graph.Graph, i))];
        if (inputs.Length == 0)
        {
            return state;
        }

        var maxima = ChannelMaxima.Of(state, inputs, context);
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        foreach (var input in inputs)
        {
            var ratios = choose(input, maxima[input]);
            if (ratios.Max() >= LeastSpread * ratios.Min())
            {
                Apply(editor, input, ratios);
            }
        }

        model.Graph.SortTopologically();
        model.Graph.RemoveUnused();
        return new PlanLayers().Run(state with { Graph = model }, context);
    }

    private static bool IsKnown(OnnxGraph graph, ScaledInput input) =>
        graph.ShapeOf(input.Value) is { Rank: > 1 } shape
        && shape[input.ChannelAxis(shape.Rank)].Value is { } channels
        && channels == input.Channels;

    private static void Apply(GraphEditor editor, ScaledInput input, float[] ratios)
    {
        var graph = editor.Graph;
        var nodes = input.Readers.ToDictionary(r => r, r => graph.Nodes.Single(n => n.Name == r.Layer.Name));
        foreach (var (reader, node) in nodes)
        {
            node.Inputs[reader.Layer.WeightInput] = editor.Constant(ChannelScaling.Scale(reader.Layer, ratios));
        }

        float[] inverse = [.. ratios.Select(r => 1 / r)];
        if (AffineFolding.TryFold(editor, input, inverse))
        {
            return;
        }

        var type = graph.TypeOf(input.Value);
        var rank = graph.ShapeOf(input.Value)!.Rank;
        var dims = new long[rank];
        Array.Fill(dims, 1);
        dims[input.ChannelAxis(rank)] = inverse.Length;
        var factors = editor.Constant(FloatTensors.Of($"{input.Value}_channel_factors", type, inverse, dims));
        input.Replace(
            editor,
            value =>
            {
                var scaled = ScalingNodes.Multiply(editor, value, factors, $"{value}_by_channel", nodes.Values);
                graph.Nodes[^1].Metadata.Add(new(ScalingNodes.ChannelKey, ""));
                return scaled;
            }
        );
    }
}
