using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Turns a product that attention writes as an image's channels, A · B of [N,C,H·W], into (Bᵀ · Aᵀ)ᵀ: then it works on
/// [N,H·W,C], as integer convolutions do (<see cref="ChannelsLast"/>). It comes before layers are planned, because the
/// two sides of a product have different quantizers.
/// </summary>
public static class SwapProducts
{
    private static readonly long[] Swap = [0, 2, 1];

    /// <summary>Swaps such products of a model in place.</summary>
    /// <param name="model">The model; its constants are initializers.</param>
    /// <returns>The number of swapped products.</returns>
    public static int Apply(OnnxModel model)
    {
        ShapeInferrer.Infer(model);
        var graph = model.Graph;
        var index = new GraphIndex(graph);
        var editor = new GraphEditor(graph);
        var count = 0;
        foreach (var reshape in graph.Nodes.Where(n => n.Is("Reshape")).ToArray())
        {
            var value = reshape.Inputs[0];
            if (
                index.Producer(value) is { } product
                && product.Is("MatMul")
                && index.Consumers(value).Count == 1
                && !index.IsOutput(value)
                && product.Inputs.TrueForAll(i => graph.ShapeOf(i) is { Rank: 3 })
                && IsImageOf(graph.ShapeOf(reshape.Outputs[0]), graph.ShapeOf(value))
            )
            {
                // The product keeps its name, because recipes know it by that.
                var (a, b) = (product.Inputs[0], product.Inputs[1]);
                product.Inputs[0] = Swapped(index, editor, b);
                product.Inputs[1] = Swapped(index, editor, a);
                product.Outputs[0] = editor.Unique($"{value}_swapped");
                editor.NodeTo(value, "Transpose", [product.Outputs[0]], ("perm", Swap));
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

    /// <summary>Whether a shape [N,C,H,W] has the elements of a sequence [N,C,H·W] in their order.</summary>
    private static bool IsImageOf(TensorShape? image, TensorShape? sequence) =>
        image is { Rank: 4 }
        && sequence is { Rank: 3 }
        && Shapes.Same(sequence[0], image[0])
        && Shapes.Same(sequence[1], image[1])
        && sequence[2].Value is { } pixels
        && pixels == image[2].Value * image[3].Value;

    private static string Swapped(GraphIndex index, GraphEditor editor, string value) =>
        index.Producer(value) is { } producer
        && producer.Is("Transpose")
        && producer.Ints("perm")?.SequenceEqual(Swap) == true
            ? producer.Inputs[0]
            : editor.Node("Transpose", $"{value}_swapped", [value], ("perm", Swap));
}
