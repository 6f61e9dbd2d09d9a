using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Splits convolutions that read joined channels (the shortcuts of a U-Net's upward path) into one convolution per part,
/// whose results are added: parts of very different range get quantizers of their own, for activations and weights.
/// Li et al., "Q-Diffusion: Quantizing Diffusion Models", ICCV 2023, section 4.2.
/// </summary>
public static class SplitShortcuts
{
    /// <summary>Splits all such convolutions of a model in place.</summary>
    /// <param name="model">The model; its constants are initializers.</param>
    /// <returns>The number of convolutions that were split.</returns>
    public static int Apply(OnnxModel model)
    {
        ShapeInferrer.Infer(model);
        var graph = model.Graph;
        var index = new GraphIndex(graph);
        var editor = new GraphEditor(graph);
        var count = 0;
        foreach (var conv in graph.Nodes.Where(n => n.Is("Conv")).ToArray())
        {
            if (
                index.Producer(conv.Inputs[0]) is { } concat
                && concat.Is("Concat")
                && graph.Initializers.TryGetValue(conv.Inputs[1], out var weight)
                && conv.Int("group", 1) == 1
                && Channels(graph, concat, weight) is { } channels
            )
            {
                Split(editor, conv, concat, weight, channels);
                count++;
            }
        }

        if (count > 0)
        {
            graph.SortTopologically();
            graph.RemoveUnused();
        }

        return count;
    }

    /// <summary>The parts' channels, or null when the parts are not channels or their sizes are not known.</summary>
    private static long[]? Channels(OnnxGraph graph, OnnxNode concat, OnnxTensor weight)
    {
        var axis = concat.Int("axis");
        if (concat.Inputs.Count < 2 || (axis != 1 && axis != 1 - weight.Rank))
        {
            return null;
        }

        var channels = concat.Inputs.Select(i => graph.ShapeOf(i) is { Rank: > 1 } s ? s[1].Value ?? 0 : 0).ToArray();
        return Array.TrueForAll(channels, c => c > 0) && channels.Sum() == weight.Dims[1] ? channels : null;
    }

    private static void Split(GraphEditor editor, OnnxNode conv, OnnxNode concat, OnnxTensor weight, long[] channels)
    {
        string? sum = null;
        var first = 0L;
        for (var i = 0; i < channels.Length; first += channels[i++])
        {
            var part = editor.Constant(Slice(weight, first, channels[i]).WithName($"{weight.Name}_part{i + 1}"));
            var node = new OnnxNode(
                "Conv",
                [concat.Inputs[i], part],
                [editor.Unique($"{conv.Outputs[0]}_part{i + 1}")],
                editor.Unique($"{conv.Name}_part{i + 1}")
            );
            if (i == 0 && conv.Input(2) is { } bias)
            {
                node.Inputs.Add(bias);
            }

            foreach (var (key, value) in conv.Attributes)
            {
                node.Attributes[key] = value;
            }

            node.Metadata.AddRange(conv.Metadata);
            editor.Graph.InsertBefore(conv, node);
            if (sum is null)
            {
                sum = node.Outputs[0];
                continue;
            }

            var total = i == channels.Length - 1 ? conv.Outputs[0] : editor.Unique($"{conv.Outputs[0]}_sum{i + 1}");
            var add = new OnnxNode("Add", [sum, node.Outputs[0]], [total], editor.Unique($"{conv.Name}_sum{i + 1}"));
            add.Metadata.AddRange(conv.Metadata);
            editor.Graph.InsertBefore(conv, add);
            sum = total;
        }

        editor.Graph.Nodes.Remove(conv);
    }

    /// <summary>The weight's input channels <c>first … first + count − 1</c>.</summary>
    private static OnnxTensor Slice(OnnxTensor weight, long first, long count)
    {
        var dims = weight.Dims.ToArray();
        var size = weight.ElementType.BitsOf() / 8;
        var inner = size;
        foreach (var d in dims.AsSpan(2))
        {
            inner *= (int)d;
        }

        var row = checked((int)dims[1] * inner);
        var bytes = new byte[checked((int)(dims[0] * count * inner))];
        var source = weight.Data.Span;
        for (var m = 0; m < dims[0]; m++)
        {
            source
                .Slice((m * row) + ((int)first * inner), (int)count * inner)
                .CopyTo(bytes.AsSpan(m * (int)count * inner));
        }

        dims[1] = count;
        return new(weight.Name, weight.ElementType, dims, bytes);
    }
}
