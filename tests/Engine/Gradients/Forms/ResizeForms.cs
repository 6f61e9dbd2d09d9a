using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Resize in its modes.</summary>
internal static class ResizeForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("Resize", Nearest) { Variant = "nearest" },
            new("Resize", t => Continuous(t, "linear")) { Variant = "linear" },
            new("Resize", t => Continuous(t, "cubic")) { Variant = "cubic" },
        ];

    private static string Coordinates(Draw draw) =>
        draw.Pick("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners");

    /// <summary>Factors that float32 holds exactly: else the nearest element is a matter of rounding.</summary>
    private static Value Nearest(Trial t)
    {
        long[] dims = [t.Draw.Size(), t.Draw.Size(), t.Draw.Size(2), t.Draw.Size(2)];
        float Factor() => t.Draw.Pick(0.5f, 1, 1.5f, 2, 3);
        return t.Op(
            "Resize",
            [t.Input(dims), null, t.Floats(1, 1, Factor(), Factor())],
            ("mode", "nearest"),
            ("coordinate_transformation_mode", t.Draw.Pick("asymmetric", "half_pixel")),
            ("nearest_mode", t.Draw.Pick("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"))
        );
    }

    private static Value Continuous(Trial t, string mode)
    {
        long[] dims = [t.Draw.Size(), t.Draw.Size(), t.Draw.Size(2), t.Draw.Size(2)];
        Value?[] inputs = t.Draw.Flag()
            ? [t.Input(dims), null, t.Floats(1, 1, (float)t.Draw.Real(0.5, 3), (float)t.Draw.Real(0.5, 3))]
            : [t.Input(dims), null, null, t.Integers(dims[0], dims[1], t.Draw.Whole(1, 8), t.Draw.Whole(1, 8))];
        return t.Op("Resize", inputs, ("mode", mode), ("coordinate_transformation_mode", Coordinates(t.Draw)));
    }
}
