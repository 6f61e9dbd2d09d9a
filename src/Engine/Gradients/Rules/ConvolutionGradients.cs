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
                WeightGradient(c, window, c.Node.Inputs[0], c.InputShape(0), c.Gradient, c.OutputShape, c.InputShape(1))
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
                WeightGradient(c, window, c.Gradient, c.OutputShape, c.Node.Inputs[0], c.InputShape(0), c.InputShape(1))
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

    /// <summary>
    /// The weights' gradient as one matrix product: the output's gradient [M, N·O] times the input as each place of the
    /// kernel sees it [K·C, N·O]. Channels come first, so that every copy moves whole rows of an image.
    /// </summary>
    private static string WeightGradient(
        GradientContext c,
        ConvolutionWindow window,
        string input,
        long[] inputDims,
        string gradient,
        long[] gradientDims,
        long[] weightDims
    )
    {
        var w = c.Writer;
        var group = window.Group;
        var (outputs, inputs) = (weightDims[0] / group, weightDims[1]);
        long[] exchange = [1, 0, .. Enumerable.Range(2, inputDims.Length - 2).Select(i => (long)i)];
        var places = gradientDims[2..].Aggregate(gradientDims[0], (a, b) => a * b);
        var rows = w.Reshape(w.Transpose(gradient, exchange), group, outputs, places);
        var channelsFirst = w.Pad(w.Transpose(input, exchange), [0, 0, .. window.Begins, 0, 0, .. window.Ends]);
        var views = window.Offsets().Select(offset => View(w, channelsFirst, window, offset)).ToArray();
        var columns = views.Select(v => w.Reshape(v, group, inputs, places)).ToArray();
        var joined = columns.Length == 1 ? columns[0] : w.Op("Concat", columns, ("axis", 1L));
        var kernel = weightDims[2..];
        var count = (long)views.Length;
        var product =
            group == 1
                ? w.Op(
                    "Gemm",
                    [w.Reshape(rows, outputs, places), w.Reshape(joined, count * inputs, places)],
                    ("transB", 1L)
                )
                : w.Op("MatMul", rows, w.Transpose(joined, 0, 2, 1));
        if (count == 1)
        {
            return w.Reshape(product, weightDims);
        }

        var split = w.Reshape(product, group * outputs, count, inputs);
        return w.Reshape(w.Transpose(split, 0, 2, 1), [weightDims[0], inputs, .. kernel]);
    }

    /// <summary>The input elements that one place of the kernel meets, in the output's order.</summary>
    private static string View(GradientWriter w, string padded, ConvolutionWindow window, long[] offset)
    {
        var view = padded;
        var whole = window.PaddedSizes();
        long[] axes =
        [
            .. Enumerable
                .Range(0, offset.Length)
                .Where(i => window.Strides[i] != 1 || window.Outputs[i] != whole[i])
                .Select(i => (long)i),
        ];
        return axes.Length == 0
            ? view
            : w.Op(
                "Slice",
                view,
                w.Integers([.. axes.Select(i => offset[i])]),
                w.Integers([.. axes.Select(i => offset[i] + ((window.Outputs[i] - 1) * window.Strides[i]) + 1)]),
                w.Integers([.. axes.Select(i => i + 2)]),
                w.Integers([.. axes.Select(i => window.Strides[i])])
            );
    }
}
