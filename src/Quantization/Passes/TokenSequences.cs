using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Images whose pixels became a sequence, [N,C,H·W], as attention reads and writes them: <see cref="ChannelsLast"/> has
/// them as [N,H·W,C], which is what attention itself wants, so that its transpositions fall away.
/// </summary>
internal sealed class TokenSequences(OnnxGraph graph, GraphEditor editor, TokenLayout layout)
{
    private static readonly long[] Swap = [0, 2, 1];

    private readonly GraphIndex index = new(graph);
    private readonly Dictionary<string, string> sequences = new(StringComparer.Ordinal);

    /// <summary>Takes a Reshape or Transpose out of the graph if it only leads from one layout to the other.</summary>
    public bool TryConvert(OnnxNode node)
    {
        if (node.Is("Reshape"))
        {
            var (input, output) = (node.Inputs[0], node.Outputs[0]);
            if (layout.Has(input) && layout.IsImage(input) && IsSequenceOf(output, input))
            {
                sequences[output] = layout.Of(input);
                return true;
            }

            if (layout.IsImage(output) && IsSequenceOf(input, output))
            {
                layout.Set(output, Swapped(input));
                return true;
            }
        }

        if (IsSwap(node) && sequences.TryGetValue(node.Inputs[0], out var tokens) && !index.IsOutput(node.Outputs[0]))
        {
            graph.RedirectReaders(node.Outputs[0], tokens);
            return true;
        }

        return false;
    }

    /// <summary>Makes a value as [N,C,H·W] again, under its own name.</summary>
    public void Restore(string value)
    {
        if (sequences.TryGetValue(value, out var tokens))
        {
            editor.NodeTo(value, "Transpose", [tokens], ("perm", Swap));
        }
    }

    private static bool IsSwap(OnnxNode node) => node.Is("Transpose") && node.Ints("perm")?.SequenceEqual(Swap) == true;

    private bool IsSequenceOf(string sequence, string image) =>
        layout.ShapeOf(sequence) is { Rank: 3 } flat
        && layout.ShapeOf(image) is { } shape
        && Shapes.Same(flat[0], shape[0])
        && Shapes.Same(flat[1], shape[1])
        && flat[2].Value == shape[2].Value * shape[3].Value;

    /// <summary>[N,H·W,C] of a value that is [N,C,H·W].</summary>
    private string Swapped(string value)
    {
        if (sequences.TryGetValue(value, out var known))
        {
            return known;
        }

        var producer = index.Producer(value);
        if (producer is not null && IsSwap(producer))
        {
            return producer.Inputs[0];
        }

        return editor.Node("Transpose", $"{value}_swapped", [value], ("perm", Swap));
    }
}
