using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Means over windows.</summary>
internal static class PoolingGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("GlobalAveragePool", Global);
        rules.Add("AveragePool", Average);
    }

    private static void Global(GradientContext c)
    {
        var dims = c.InputShape(0);
        var count = dims[2..].Aggregate(1L, (a, b) => a * b);
        var share = c.Op("Mul", c.Gradient, c.Number(1.0 / count));
        c.Give(0, c.Op("Expand", share, c.Writer.Integers(dims)));
    }

    /// <summary>A transposed convolution of each channel with a constant kernel.</summary>
    private static void Average(GradientContext c)
    {
        var dims = c.InputShape(0);
        var kernel = c.Node.Ints("kernel_shape")!.ToArray();
        var window = ConvolutionWindow.Of(c, dims[2..], kernel, c.OutputShape[2..]);
        if (c.Node.Int("count_include_pad") == 0 && window.Pads.Any(p => p != 0))
        {
            throw c.Unsupported("padding that is not counted");
        }

        if (window.OutputPadding().Any(p => p < 0))
        {
            throw c.Unsupported("windows that reach beyond the input (ceil_mode)");
        }

        var share = 1.0 / kernel.Aggregate(1L, (a, b) => a * b);
        var weight = c.Writer.Filled(share, [dims[1], 1, .. kernel], c.Type);
        c.Give(
            0,
            c.Writer.Op(
                "ConvTranspose",
                [c.Gradient, weight],
                [
                    .. (window with { Group = dims[1] }).Attributes(),
                    ("output_padding", (AttributeValue)window.OutputPadding()),
                ]
            )
        );
    }
}
