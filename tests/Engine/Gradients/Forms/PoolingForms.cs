using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Pooling over windows and over whole images.</summary>
internal static class PoolingForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("AveragePool", Average),
            new("GlobalAveragePool", t => t.Op("GlobalAveragePool", t.Input(t.Draw.Shape(3, 5)))),
        ];

    private static Value Average(Trial t)
    {
        var kind = t.Builder.Opset < 19 ? WindowKind.Undilated : WindowKind.Pooling;
        var window = new DrawnWindow(t.Draw, t.Draw.Whole(1, 3), kind);
        var x = t.Input([t.Draw.Whole(1, 2), t.Draw.Whole(1, 3), .. window.Image()]);
        return t.Op("AveragePool", [x], [.. window.Attributes(), ("count_include_pad", 1L)]);
    }
}
