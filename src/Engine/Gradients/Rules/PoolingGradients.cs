using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Means and maxima over windows and over whole images.</summary>
internal static class PoolingGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("GlobalAveragePool", Global);
        rules.Add("AveragePool", Average);
        rules.Add("GlobalMaxPool", GlobalMax);
        rules.Add("MaxPool", Max);
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
        if (window.OutputPadding().Any(p => p < 0))
        {
            throw c.Unsupported("windows that reach beyond the input (ceil_mode)");
        }

        var countsPads = c.Node.Int("count_include_pad") != 0 || Array.TrueForAll(window.Pads, p => p == 0);
        var share = countsPads ? 1.0 / kernel.Aggregate(1L, (a, b) => a * b) : 1;
        var gradient = countsPads ? c.Gradient : c.Op("Mul", c.Gradient, Shares(c, window));
        var weight = c.Writer.Filled(share, [dims[1], 1, .. kernel], c.Type);
        c.Give(
            0,
            c.Writer.Op(
                "ConvTranspose",
                [gradient, weight],
                [
                    .. (window with { Group = dims[1] }).Attributes(),
                    ("output_padding", (AttributeValue)window.OutputPadding()),
                ]
            )
        );
    }

    /// <summary>One divided by the number of elements of the image that each window covers.</summary>
    private static string Shares(GradientContext c, ConvolutionWindow window)
    {
        var shares = new List<float> { 1 };
        for (var axis = 0; axis < window.Kernel.Length; axis++)
        {
            var along = Enumerable.Range(0, (int)window.Outputs[axis]).Select(o => Covered(window, axis, o)).ToArray();
            shares = [.. shares.SelectMany(s => along.Select(count => s / count))];
        }

        var name = $"{c.Node.Outputs[0]}_shares";
        var tensor = OnnxTensor.Of(name, shares.ToArray().AsSpan(), [1, 1, .. window.Outputs]);
        return c.Writer.Cast(c.Writer.Editor.Constant(tensor), ElementType.Float, c.Type);
    }

    private static int Covered(ConvolutionWindow window, int axis, int output)
    {
        var first = (output * window.Strides[axis]) - window.Begins[axis];
        return Enumerable
            .Range(0, (int)window.Kernel[axis])
            .Select(i => first + (i * window.Dilations[axis]))
            .Count(place => place >= 0 && place < window.Inputs[axis]);
    }

    private static void GlobalMax(GradientContext c)
    {
        var axes = Enumerable.Range(2, c.InputShape(0).Length - 2).Select(i => (long)i);
        ReductionGradients.Extreme(c, c.Node.Outputs[0], c.Gradient, [.. axes]);
    }

    /// <summary>The operator itself tells where each maximum lies.</summary>
    private static void Max(GradientContext c)
    {
        if (c.Node.Int("storage_order") != 0)
        {
            throw c.Unsupported("columns before rows");
        }

        var (kernel, strides) = (c.Node.Ints("kernel_shape")!, c.Node.Ints("strides") ?? []);
        if (
            c.Node.Text("auto_pad", "NOTSET").StartsWith("SAME", StringComparison.Ordinal)
            && strides.Zip(kernel).Any(p => p.First > p.Second)
        )
        {
            // ONNX Runtime pads by negative numbers once it is asked for places, and computes something else.
            throw c.Unsupported("auto_pad with strides beyond the kernel");
        }

        var outputs = c.Node.Outputs;
        if (outputs.Count == 1)
        {
            outputs.Add("");
        }

        if (outputs[1].Length == 0)
        {
            outputs[1] = c.Writer.Editor.Unique($"{outputs[0]}_places");
        }

        c.Give(0, IndexGradients.AtFlatPlaces(c, c.InputShape(0), outputs[1], c.Gradient));
    }
}
