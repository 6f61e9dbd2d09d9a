using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Operators that pass elements on in their order, join or cut.</summary>
internal static class MovementForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("Identity", t => t.Op("Identity", t.Input(t.Draw.Shape(0, 3)))),
            new("Cast", Cast),
            new("Reshape", Reshape),
            new("Flatten", Flatten),
            new("Squeeze", Squeeze),
            new("Unsqueeze", Unsqueeze),
            new("Concat", Concat),
            new("Split", Split),
            new("Pad", Pad),
            new("Pad", Mirrored) { Variant = "by mirroring" },
            new("Dropout", Dropout),
        ];

    private static Value Cast(Trial t) =>
        t.Builder.Cast(t.Builder.Cast(t.Input(t.Draw.Shape(0, 3)), ElementType.Double), ElementType.Float);

    private static Value Reshape(Trial t)
    {
        var dims = t.Draw.Shape(2, 4);
        return t.Draw.Flag()
            ? t.Builder.Reshape(t.Input(dims), 0, -1)
            : t.Builder.Reshape(t.Input(dims), [dims[0] * dims[1], .. dims[2..], 1]);
    }

    private static Value Flatten(Trial t)
    {
        var dims = t.Draw.Shape(1, 4);
        var x = t.Input(dims);
        return t.Draw.Flag() ? t.Op("Flatten", x) : t.Op("Flatten", [x], ("axis", t.Draw.Axis(dims.Length)));
    }

    private static Value Squeeze(Trial t)
    {
        var axis = t.Draw.Whole(0, 2);
        var dims = t.Draw.Shape(3);
        dims[axis] = 1;
        return t.Draw.Flag()
            ? t.Op("Squeeze", t.Input(dims))
            : t.Builder.Squeeze(t.Input(dims), t.Draw.Flag() ? axis : axis - 3);
    }

    private static Value Unsqueeze(Trial t)
    {
        var dims = t.Draw.Shape(0, 3);
        var axes = t.Draw.Permutation(dims.Length + 2)[..2];
        return t.Builder.Unsqueeze(t.Input(dims), t.Draw.Flag() ? axes : [axes[0], axes[1] - dims.Length - 2]);
    }

    private static Value Concat(Trial t)
    {
        var dims = t.Draw.Shape(1, 4);
        var axis = t.Draw.Whole(0, dims.Length - 1);
        var values = Enumerable
            .Range(0, t.Draw.Whole(1, 3))
            .Select(_ => (Value?)t.Input([.. dims[..axis], t.Draw.Size(), .. dims[(axis + 1)..]]))
            .ToList();
        if (t.Draw.Flag())
        {
            values.Add(values[0]);
        }

        return t.Builder.Concat(t.Draw.Flag() ? axis : axis - dims.Length, [.. values]);
    }

    /// <summary>By sizes or into equal parts; the loss may leave one out.</summary>
    private static Value[] Split(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var axis = t.Draw.Whole(0, dims.Length - 1);
        var count = t.Draw.Whole(1, 3);
        var isEqual = t.Draw.Flag();
        var equal = t.Draw.Size();
        long[] sizes = [.. Enumerable.Range(0, count).Select(_ => isEqual ? equal : t.Draw.Size())];
        dims[axis] = sizes.Sum();
        var attributes = new List<(string, AttributeValue)> { ("axis", t.Draw.Flag() ? axis : axis - dims.Length) };
        if (isEqual && t.Builder.Opset >= 18)
        {
            attributes.Add(("num_outputs", count));
        }

        Value?[] inputs = isEqual ? [t.Input(dims)] : [t.Input(dims), t.Integers(sizes)];
        var parts = t.Builder.Node("Split", inputs, count, attributes.ToArray());
        return [.. parts.Skip(count > 1 && t.Draw.Flag() ? 1 : 0)];
    }

    private static Value Pad(Trial t)
    {
        var dims = t.Draw.Shape(1, 4);
        long[] begins = [.. dims.Select(d => (long)t.Draw.Whole(-(int)((d - 1) / 2), 2))];
        long[] ends = [.. dims.Select(d => (long)t.Draw.Whole(-(int)((d - 1) / 2), 2))];
        var value = t.Draw.Flag() ? t.Builder.Scalar(0.5f) : null;
        return t.Op("Pad", t.Input(dims), t.Integers([.. begins, .. ends]), value);
    }

    /// <summary>All axes or, where the opset lets them be named, some.</summary>
    private static Value Mirrored(Trial t)
    {
        long[] dims = [.. t.Draw.Shape(1, 3).Select(d => d + 2)];
        string[] modes = t.Builder.Opset < 19 ? ["reflect", "edge"] : ["reflect", "edge", "wrap"];
        var mode = t.Draw.Pick<string>(modes);
        var hasAxes = t.Builder.Opset >= 18 && t.Draw.Flag();
        var axes = t.Draw.Axes(dims.Length);
        long[] pads =
        [
            .. Enumerable.Range(0, 2 * (hasAxes ? axes.Length : dims.Length)).Select(_ => (long)t.Draw.Whole(0, 2)),
        ];
        return hasAxes
            ? t.Op("Pad", [t.Input(dims), t.Integers(pads), null, t.Integers(axes)], ("mode", mode))
            : t.Op("Pad", [t.Input(dims), t.Integers(pads)], ("mode", mode));
    }

    private static Value Dropout(Trial t)
    {
        var x = t.Input(t.Draw.Shape(0, 3));
        return t.Draw.Flag()
            ? t.Op("Dropout", x)
            : t.Op(
                "Dropout",
                x,
                t.Builder.Scalar(0.5f),
                t.Builder.Constant(new OnnxTensor("", ElementType.Bool, [], new byte[1]))
            );
    }
}
