using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Writes group normalizations as a·x + b; see <see cref="RewriteGroupNorms"/>.</summary>
internal sealed class GroupNormWriter(GraphEditor editor, long opset)
{
    /// <summary>Writes one whose output nobody makes at the moment.</summary>
    public void Write(GroupNormMatch match)
    {
        var name = match.Output;
        var type = editor.Graph.TypeOf(name);
        var x = Floats(match.Input, name);
        var axes = Enumerable.Range(2, match.Rank - 2).Select(i => (long)i).ToArray();
        var mean = Mean(x, axes, false, $"{name}_channel_mean");
        var square = Mean(editor.Node("Mul", $"{name}_square", [x, x]), axes, false, $"{name}_channel_square");
        var groupMean = GroupMean(mean, match, $"{name}_mean");
        var variance = editor.Node(
            "Sub",
            $"{name}_variance",
            [
                GroupMean(square, match, $"{name}_square_mean"),
                editor.Node("Mul", $"{name}_mean_square", [groupMean, groupMean]),
            ]
        );

        // Rounding can leave a variance of nearly nothing below zero.
        var positive = editor.Node("Max", $"{name}_variance_positive", [variance, Number(0)]);
        var deviation = editor.Node(
            "Sqrt",
            $"{name}_deviation",
            [editor.Node("Add", $"{name}_variance_epsilon", [positive, Number(match.Epsilon)])]
        );
        var factor = editor.Node("Div", $"{name}_factor", [PerChannel(match, match.Gamma, "gamma"), deviation]);
        var summand = editor.Node(
            "Sub",
            $"{name}_summand",
            [PerChannel(match, match.Beta, "beta"), editor.Node("Mul", $"{name}_scaled_mean", [groupMean, factor])]
        );

        long[] broadcast = [0, match.Channels, .. axes.Select(_ => 1L)];
        var scaled = editor.Node("Mul", $"{name}_scaled", [x, Reshape(factor, broadcast, $"{name}_a")]);
        var b = Reshape(summand, broadcast, $"{name}_b");
        if (type == ElementType.Float)
        {
            editor.NodeTo(name, "Add", [scaled, b]);
        }
        else
        {
            editor.NodeTo(name, "Cast", [editor.Node("Add", $"{name}_float", [scaled, b])], ("to", (long)type));
        }
    }

    private string Floats(string value, string name) =>
        editor.Cast(value, editor.Graph.TypeOf(value), ElementType.Float, $"{name}_input_float");

    private string GroupMean(string channels, GroupNormMatch match, string wanted) =>
        match.Groups == match.Channels
            ? Reshape(channels, [0, match.Groups, 1], wanted)
            : Mean(Reshape(channels, [0, match.Groups, -1], $"{wanted}_grouped"), [2], true, wanted);

    private string Mean(string value, long[] axes, bool keep, string wanted)
    {
        var dimensions = ("keepdims", (AttributeValue)(keep ? 1L : 0L));
        return opset < 18
            ? editor.Node("ReduceMean", wanted, [value], ("axes", axes), dimensions)
            : editor.Node("ReduceMean", wanted, [value, editor.Integers(axes)], dimensions);
    }

    private string Reshape(string value, long[] shape, string wanted) =>
        editor.Node("Reshape", wanted, [value, editor.Integers(shape)]);

    private string Number(float value) => editor.Shared($"float_{value:R}", n => OnnxTensor.Scalar(n, value));

    private string PerChannel(GroupNormMatch match, float[] values, string what) =>
        editor.Constant(
            OnnxTensor.Of($"{match.Output}_{what}", values.AsSpan(), 1, match.Groups, match.Channels / match.Groups)
        );
}
