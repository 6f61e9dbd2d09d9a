using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Operators that permute, repeat or mask elements.</summary>
internal static class RearrangingForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("Transpose", Transpose),
            new("Expand", Expand),
            new("DepthToSpace", t => Blocks(t, "DepthToSpace")),
            new("SpaceToDepth", t => Blocks(t, "SpaceToDepth")),
            new("Tile", Tile),
            new("Trilu", Trilu) { Opset = 14 },
            new("CumSum", CumulativeSum),
        ];

    private static Value Transpose(Trial t)
    {
        var dims = t.Draw.Shape(0, 5);
        var x = t.Input(dims);
        return dims.Length == 0 || t.Draw.Whole(0, 3) == 0
            ? t.Op("Transpose", x)
            : t.Builder.Transpose(x, t.Draw.Permutation(dims.Length));
    }

    /// <summary>The shape may have ones where the value has more.</summary>
    private static Value Expand(Trial t)
    {
        var (a, b) = ArithmeticForms.BroadcastShapes(t.Draw);
        return t.Op("Expand", t.Input(a), t.Integers(b));
    }

    private static Value Blocks(Trial t, string opType)
    {
        var (block, draw) = ((long)t.Draw.Whole(1, 3), t.Draw);
        long[] image = [draw.Whole(1, 2), draw.Whole(1, 2)];
        if (opType == "SpaceToDepth")
        {
            return t.Op(
                opType,
                [t.Input(draw.Whole(1, 2), draw.Size(), image[0] * block, image[1] * block)],
                ("blocksize", block)
            );
        }

        var x = t.Input(draw.Whole(1, 2), draw.Whole(1, 2) * block * block, image[0], image[1]);
        return draw.Flag()
            ? t.Op(opType, [x], ("blocksize", block))
            : t.Op(opType, [x], ("blocksize", block), ("mode", draw.Pick("DCR", "CRD")));
    }

    private static Value Tile(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        return t.Op("Tile", t.Input(dims), t.Integers([.. dims.Select(_ => (long)t.Draw.Whole(1, 3))]));
    }

    private static Value Trilu(Trial t)
    {
        var x = t.Input(t.Draw.Shape(2, 4));
        var shift = t.Draw.Flag() ? t.Builder.Scalar((long)t.Draw.Whole(-2, 2)) : null;
        return t.Draw.Flag() ? t.Op("Trilu", x, shift) : t.Op("Trilu", [x, shift], ("upper", (long)t.Draw.Whole(0, 1)));
    }

    private static Value CumulativeSum(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        (string, AttributeValue)[] attributes = t.Draw.Flag()
            ? []
            : [("exclusive", (long)t.Draw.Whole(0, 1)), ("reverse", (long)t.Draw.Whole(0, 1))];
        return t.Op("CumSum", [t.Input(dims), t.Builder.Scalar(t.Draw.Axis(dims.Length))], attributes);
    }
}
