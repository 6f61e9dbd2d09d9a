using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Convolutions of one, two and three spatial dimensions.</summary>
internal static class ConvolutionForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("Conv", Conv),
            new("ConvTranspose", Transposed),
            new("ConvTranspose", Separate) { Variant = "side by side" },
        ];

    private static Value Conv(Trial t)
    {
        var window = new DrawnWindow(t.Draw, Rank(t.Draw), WindowKind.Convolution);
        var (group, inputs, outputs) = (t.Draw.Whole(1, 3), t.Draw.Whole(1, 2), t.Draw.Whole(1, 2));
        var x = t.Input([t.Draw.Whole(1, 2), group * inputs, .. window.Image()]);
        var weight = t.Input([group * outputs, inputs, .. window.Kernel]);
        var bias = t.Draw.Flag() ? t.Input(group * outputs) : null;
        return t.Op("Conv", [x, weight, bias], [.. window.Attributes(), ("group", group)]);
    }

    private static Value Transposed(Trial t) =>
        Transposed(t, new DrawnWindow(t.Draw, Rank(t.Draw), WindowKind.Transposed));

    /// <summary>The windows do not overlap, as in the upsampling of many decoders.</summary>
    private static Value Separate(Trial t) => Transposed(t, DrawnWindow.SideBySide(t.Draw, Rank(t.Draw)));

    private static Value Transposed(Trial t, DrawnWindow window)
    {
        var (group, inputs, outputs) = (t.Draw.Whole(1, 3), t.Draw.Whole(1, 2), t.Draw.Whole(1, 2));
        var x = t.Input([t.Draw.Whole(1, 2), group * inputs, .. window.TransposedImage()]);
        var weight = t.Input([group * inputs, outputs, .. window.Kernel]);
        var bias = t.Draw.Flag() ? t.Input(group * outputs) : null;
        return t.Op(
            "ConvTranspose",
            [x, weight, bias],
            [.. window.Attributes(), ("group", group), ("output_padding", (AttributeValue)window.OutputPadding())]
        );
    }

    private static int Rank(Draw draw) => draw.Pick(1, 2, 2, 2, 3);
}
