using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>How the window of a convolution or pooling moves.</summary>
internal sealed class ReferenceWindow
{
    private readonly OnnxNode node;
    private readonly int[] sizes;
    private readonly int[] kernel;
    private readonly int[] strides;
    private readonly int[] dilations;
    private readonly int[] pads;

    public ReferenceWindow(OnnxNode node, int[] sizes, int[] kernel)
    {
        (this.node, this.sizes, this.kernel) = (node, sizes, kernel);
        strides = Read("strides", kernel.Length, 1);
        dilations = Read("dilations", kernel.Length, 1);
        pads = Read("pads", 2 * kernel.Length, 0);
        var mode = node.Text("auto_pad", "NOTSET");
        for (var i = 0; mode.StartsWith("SAME", StringComparison.Ordinal) && i < kernel.Length; i++)
        {
            var count = (sizes[i] + strides[i] - 1) / strides[i];
            var total = Math.Max(0, ((count - 1) * strides[i]) + Reach(i) - sizes[i]);
            pads[i] = mode == "SAME_UPPER" ? total / 2 : total - (total / 2);
            pads[i + kernel.Length] = total - pads[i];
        }
    }

    public int[] Outputs() =>
        [
            .. sizes.Select(
                (size, i) =>
                {
                    var room = (double)(size + pads[i] + pads[i + kernel.Length] - Reach(i)) / strides[i];
                    return (int)(node.Int("ceil_mode") != 0 ? Math.Ceiling(room) : Math.Floor(room)) + 1;
                }
            ),
        ];

    public int[] TransposedOutputs()
    {
        var extra = Read("output_padding", kernel.Length, 0);
        return
        [
            .. sizes.Select(
                (size, i) => (strides[i] * (size - 1)) + extra[i] + Reach(i) - pads[i] - pads[i + kernel.Length]
            ),
        ];
    }

    /// <summary>The place of the image that a place of the kernel meets when the window is at a place of the output.</summary>
    public int[] Source(int[] window, int[] offset) =>
        [.. window.Select((w, i) => (w * strides[i]) + (offset[i] * dilations[i]) - pads[i])];

    /// <summary>The places of the kernel that meet the image, and what they meet.</summary>
    public IEnumerable<(int[] Kernel, int[] Source)> Inside(int[] window)
    {
        foreach (var offset in NdArray.Places(kernel))
        {
            var source = Source(window, offset);
            if (IsInside(source, sizes))
            {
                yield return (offset, source);
            }
        }
    }

    public static bool IsInside(int[] place, int[] dims)
    {
        for (var i = 0; i < dims.Length; i++)
        {
            if (place[i] < 0 || place[i] >= dims[i])
            {
                return false;
            }
        }

        return true;
    }

    private int Reach(int axis) => ((kernel[axis] - 1) * dilations[axis]) + 1;

    private int[] Read(string attribute, int count, int fallback) =>
        node.Ints(attribute)?.Select(v => (int)v).ToArray() ?? [.. Enumerable.Repeat(fallback, count)];
}
