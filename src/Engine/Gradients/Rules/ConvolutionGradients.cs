using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Convolutions and transposed convolutions of any number of spatial dimensions.</summary>
internal static class ConvolutionGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Conv", Conv);
        rules.Add("ConvTranspose", ConvTranspose);
    }

    private static void Conv(GradientContext c)
    {
        var window = ConvolutionWindow.Of(c, c.InputShape(0)[2..], c.InputShape(1)[2..], c.OutputShape[2..]);
        if (c.Needs(0))
        {
            c.Give(0, InputGradient(c, window));
        }

        if (c.Needs(1))
        {
            c.Give(
                1,
                new ConvolutionWeightGradient(c.Writer, window, c.InputShape(0), c.OutputShape, c.InputShape(1)).Of(
                    c.Node.Inputs[0],
                    c.Gradient
                )
            );
        }

        GiveBias(c);
    }

    /// <summary>Each is the other's input gradient, so a transposed convolution's rule is that of a convolution with input
    /// and output exchanged.</summary>
    private static void ConvTranspose(GradientContext c)
    {
        var window = ConvolutionWindow.OfTransposed(c, c.InputShape(0)[2..], c.InputShape(1)[2..], c.OutputShape[2..]);
        if (c.Needs(0))
        {
            c.Give(0, c.Writer.Op("Conv", [c.Gradient, c.Node.Inputs[1]], window.Attributes()));
        }

        if (c.Needs(1))
        {
            c.Give(
                1,
                new ConvolutionWeightGradient(c.Writer, window, c.OutputShape, c.InputShape(0), c.InputShape(1)).Of(
                    c.Gradient,
                    c.Node.Inputs[0]
                )
            );
        }

        GiveBias(c);
    }

    private static void GiveBias(GradientContext c)
    {
        if (c.Needs(2))
        {
            var axes = Enumerable.Range(0, c.OutputShape.Length).Where(i => i != 1).Select(i => (long)i);
            c.Give(2, c.Writer.ReduceSum(c.Gradient, [.. axes], keepDimensions: false));
        }
    }

    /// <summary>
    /// Without strides a convolution of the output's gradient with the flipped, transposed weights, which is a third faster
    /// than the transposed convolution that strides need.
    /// </summary>
    private static string InputGradient(GradientContext c, ConvolutionWindow window)
    {
        if (window.Strides.Any(s => s != 1) || window.ReversedPads().Any(p => p < 0))
        {
            return c.Writer.Op(
                "ConvTranspose",
                [c.Gradient, c.Node.Inputs[1]],
                [.. window.Attributes(), ("output_padding", window.OutputPadding())]
            );
        }

        return c.Writer.Op(
            "Conv",
            [c.Gradient, Reversed(c, window)],
            (window with { Pads = window.ReversedPads() }).Attributes()
        );
    }

    /// <summary>Weights [M, C/g, K…] as [C, M/g, K…], each kernel turned round.</summary>
    private static string Reversed(GradientContext c, ConvolutionWindow window)
    {
        var w = c.Writer;
        var dims = c.InputShape(1);
        var (group, kernel) = (window.Group, dims[2..]);
        var (outputs, inputs) = (dims[0] / group, dims[1]);
        long[] spatial = [.. Enumerable.Range(0, kernel.Length).Select(i => (long)i)];
        var value = c.Node.Inputs[1];
        long[] turned = [.. spatial.Where(i => kernel[i] > 1).Select(i => i + 2)];
        if (turned.Length > 0)
        {
            value = w.Op(
                "Slice",
                value,
                w.Integers([.. turned.Select(_ => -1L)]),
                w.Integers([.. turned.Select(_ => long.MinValue)]),
                w.Integers(turned),
                w.Integers([.. turned.Select(_ => -1L)])
            );
        }

        if (group == 1)
        {
            return w.Transpose(value, [1, 0, .. spatial.Select(i => i + 2)]);
        }

        var grouped = w.Reshape(value, [group, outputs, inputs, .. kernel]);
        var exchanged = w.Transpose(grouped, [0, 2, 1, .. spatial.Select(i => i + 3)]);
        return w.Reshape(exchanged, [group * inputs, outputs, .. kernel]);
    }
}
