using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Pooling over windows and over whole images.</summary>
internal static class PoolingForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("AveragePool", Average),
            new("MaxPool", Max),
            new("MaxPool", RoundedUp) { Variant = "with ceil_mode" },
            new("GlobalMaxPool", t => t.Op("GlobalMaxPool", t.Distinct(t.Draw.Shape(3, 4)))),
            new("GlobalAveragePool", t => t.Op("GlobalAveragePool", t.Input(t.Draw.Shape(3, 5)))),
        ];

    private static Value Average(Trial t)
    {
        var window = new DrawnWindow(
            t.Draw,
            t.Draw.Whole(1, 3),
            t.Builder.Opset < 19 ? WindowKind.Undilated : WindowKind.Pooling
        );
        return t.Op(
            "AveragePool",
            [t.Input(Image(t, window))],
            [.. window.Attributes(), ("count_include_pad", (long)t.Draw.Whole(0, 1))]
        );
    }

    private static Value Max(Trial t)
    {
        var window = new DrawnWindow(t.Draw, t.Draw.Whole(1, 3), WindowKind.Pooling);
        return t.Op("MaxPool", [t.Distinct(Image(t, window))], window.Attributes());
    }

    /// <summary>The last window reaches beyond the image, but never lies outside: there ONNX's own inference of shapes and
    /// the runtime differ.</summary>
    private static Value RoundedUp(Trial t)
    {
        var x = t.Distinct(t.Draw.Whole(1, 2), t.Draw.Whole(1, 3), t.Draw.Whole(3, 7), t.Draw.Whole(3, 7));
        return t.Op("MaxPool", [x], ("kernel_shape", new[] { 3L, 3 }), ("strides", new[] { 2L, 2 }), ("ceil_mode", 1L));
    }

    private static long[] Image(Trial t, DrawnWindow window) =>
        [t.Draw.Whole(1, 2), t.Draw.Whole(1, 3), .. window.Image()];
}
