using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Writes the arithmetic of scaling.</summary>
internal static class ScalingNodes
{
    /// <summary>Marks multiplications by one constant per channel.</summary>
    public const string ChannelKey = "diffusionquant.channel-factors";

    /// <summary>Multiplies a value by factors; the node belongs to the block that its readers all belong to, if they do.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="value">The value.</param>
    /// <param name="factors">What it is multiplied by.</param>
    /// <param name="wanted">The wanted name of the product.</param>
    /// <param name="readers">The layers that will read it, or that made it.</param>
    public static string Multiply(
        GraphEditor editor,
        string value,
        string factors,
        string wanted,
        IEnumerable<OnnxNode> readers
    ) => Tagged(editor, editor.Node("Mul", wanted, [value, factors]), readers);

    /// <summary>Lets the node that was written last belong to the block of others.</summary>
    public static string Tagged(GraphEditor editor, string output, IEnumerable<OnnxNode> others)
    {
        var tags = others
            .Select(n => n.Metadata.Where(m => m.Key is BlockTags.Key or BlockTags.KindKey).ToArray())
            .ToArray();
        if (tags.Skip(1).All(t => t.SequenceEqual(tags[0])))
        {
            editor.Graph.Nodes[^1].Metadata.AddRange(tags[0]);
        }

        return output;
    }
}
