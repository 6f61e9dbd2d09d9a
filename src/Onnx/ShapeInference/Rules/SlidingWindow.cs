namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>The window of a convolution or pooling: kernel, strides, dilations and padding per axis.</summary>
internal sealed class SlidingWindow
{
    private readonly Dimension[] kernel;
    private readonly IReadOnlyList<long> strides;
    private readonly IReadOnlyList<long> dilations;
    private readonly IReadOnlyList<long> pads;
    private readonly string autoPad;
    private readonly bool ceiling;

    private SlidingWindow(OnnxNode node, Dimension[] kernel)
    {
        this.kernel = kernel;
        strides = node.Ints("strides") ?? Fill(1, kernel.Length);
        dilations = node.Ints("dilations") ?? Fill(1, kernel.Length);
        pads = node.Ints("pads") ?? Fill(0, 2 * kernel.Length);
        autoPad = node.Text("auto_pad", "NOTSET");
        ceiling = node.Int("ceil_mode") != 0;
        if (
            strides.Count != kernel.Length
            || dilations.Count != kernel.Length
            || pads.Count != 2 * kernel.Length
            || strides.Any(s => s <= 0)
        )
        {
            throw new ShapeConflictException("Attributes differ in length, or a stride is not positive.");
        }
    }

    /// <summary>The window of a node.</summary>
    /// <param name="node">The node; its <c>kernel_shape</c> comes first.</param>
    /// <param name="weightKernel">The kernel's sizes in the weight.</param>
    public static SlidingWindow Of(OnnxNode node, IEnumerable<Dimension> weightKernel) =>
        new(node, node.Ints("kernel_shape") is { } k ? [.. k.Select(Dimension.Of)] : [.. weightKernel]);

    /// <summary>Sizes of the output of a convolution or pooling.</summary>
    public Dimension[] Slide(Dimension[] image) => [.. Match(image).Select((d, axis) => Slide(d, axis))];

    /// <summary>Sizes of the output of a transposed convolution.</summary>
    public Dimension[] SlideBack(Dimension[] image, OnnxNode node)
    {
        if (node.Ints("output_shape") is { } given)
        {
            // Some writers give all dimensions, most only the spatial ones.
            return [.. given.TakeLast(kernel.Length).Select(Dimension.Of)];
        }

        var extra = node.Ints("output_padding") ?? Fill(0, kernel.Length);
        return [.. Match(image).Select((d, axis) => SlideBack(d, axis, axis < extra.Count ? extra[axis] : 0))];
    }

    private Dimension[] Match(Dimension[] image) =>
        image.Length == kernel.Length
            ? image
            : throw new ShapeConflictException("The kernel does not have the image's rank.");

    private Dimension Slide(Dimension size, int axis)
    {
        if (autoPad is "SAME_UPPER" or "SAME_LOWER")
        {
            return strides[axis] == 1 ? size
                : size.Value is { } v ? (v + strides[axis] - 1) / strides[axis]
                : Dimension.Unknown;
        }

        if (kernel[axis].Value is not { } k)
        {
            return Dimension.Unknown;
        }

        var padding = autoPad == "VALID" ? 0 : pads[axis] + pads[axis + kernel.Length];
        var reach = ((k - 1) * dilations[axis]) + 1;
        if (size.Value is not { } known)
        {
            return strides[axis] == 1 && padding == reach - 1 ? size : Dimension.Unknown;
        }

        var room = known + padding - reach;
        if (room < 0)
        {
            throw new ShapeConflictException("The kernel is larger than the padded image.");
        }

        var count = ((room + (ceiling ? strides[axis] - 1 : 0)) / strides[axis]) + 1;

        // A last window that would start inside the padding behind the image does not count.
        return ceiling && (count - 1) * strides[axis] >= known + pads[axis] ? count - 1 : count;
    }

    private Dimension SlideBack(Dimension size, int axis, long extra)
    {
        if (autoPad is "SAME_UPPER" or "SAME_LOWER")
        {
            return ShapeArithmetic.Product(size, strides[axis]);
        }

        if (kernel[axis].Value is not { } k)
        {
            return Dimension.Unknown;
        }

        var reach = ((k - 1) * dilations[axis]) + 1;
        var padding = autoPad == "VALID" ? 0 : pads[axis] + pads[axis + kernel.Length];
        if (size.Value is { } known)
        {
            var result = (strides[axis] * (known - 1)) + extra + reach - padding;
            return result >= 0 ? result : throw new ShapeConflictException("More is cut off than there is.");
        }

        return strides[axis] == 1 && extra + reach - padding == 1 ? size : Dimension.Unknown;
    }

    private static long[] Fill(long value, int count)
    {
        var result = new long[count];
        Array.Fill(result, value);
        return result;
    }
}
