using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>What operators allow of a window.</summary>
internal enum WindowKind
{
    /// <summary>Anything.</summary>
    Convolution,

    /// <summary>Sizes are those of the attributes.</summary>
    Transposed,

    /// <summary>Less padding than the kernel is wide.</summary>
    Pooling,

    /// <summary>A pooling that knows no dilations yet.</summary>
    Undilated,
}

/// <summary>A window of a convolution or pooling, with an image that it fits.</summary>
internal sealed class DrawnWindow
{
    private readonly Draw draw;
    private readonly long[] strides;
    private readonly long[] dilations;
    private readonly long[] pads;
    private readonly string autoPad;
    private readonly long[] leastSizes;

    public DrawnWindow(Draw draw, int rank, WindowKind kind)
    {
        long[] Each(int from, int to) => [.. Enumerable.Range(0, rank).Select(_ => (long)draw.Whole(from, to))];
        this.draw = draw;
        Kernel = Each(1, rank == 3 ? 2 : 3);
        strides = draw.Flag() ? Each(1, 1) : Each(1, 3);
        dilations = kind == WindowKind.Undilated || draw.Flag() ? Each(1, 1) : Each(1, 2);
        autoPad = "NOTSET";
        pads = draw.Whole(0, 2) == 0 ? new long[2 * rank] : [.. Each(0, 2), .. Each(0, 2)];
        if (kind is WindowKind.Pooling or WindowKind.Undilated)
        {
            pads = [.. pads.Select((p, i) => Math.Min(p, Kernel[i % rank] - 1))];
        }

        if (draw.Whole(0, 4) == 0)
        {
            autoPad = kind == WindowKind.Transposed ? "VALID" : draw.Pick("SAME_UPPER", "SAME_LOWER", "VALID");
            pads = new long[2 * rank];
            dilations = Each(1, 1);
            if (kind is WindowKind.Pooling or WindowKind.Undilated)
            {
                strides = [.. strides.Select((stride, i) => Math.Min(stride, Kernel[i]))];
            }
        }

        leastSizes = kind == WindowKind.Pooling ? dilations : Each(1, 1);
    }

    private DrawnWindow(Draw draw, long[] kernel)
    {
        this.draw = draw;
        Kernel = strides = kernel;
        dilations = leastSizes = Array.ConvertAll(kernel, _ => 1L);
        pads = new long[2 * kernel.Length];
        autoPad = "NOTSET";
    }

    public long[] Kernel { get; }

    private int Rank => Kernel.Length;

    public static DrawnWindow SideBySide(Draw draw, int rank) =>
        new(draw, [.. Enumerable.Range(0, rank).Select(_ => (long)draw.Whole(1, 3))]);

    /// <summary>An image with room for the window at least once; no window of a pooling lies in padding alone.</summary>
    public long[] Image() =>
        [
            .. Enumerable
                .Range(0, Rank)
                .Select(i =>
                    Math.Max(leastSizes[i], Reach(i) - pads[i] - pads[i + Rank] + draw.Whole(0, Rank == 3 ? 2 : 4))
                ),
        ];

    /// <summary>The image of a transposed convolution whose result has at least one element on each axis.</summary>
    public long[] TransposedImage() =>
        [
            .. Enumerable
                .Range(0, Rank)
                .Select(i =>
                {
                    var size = (long)draw.Whole(1, Rank == 3 ? 2 : 4);
                    while ((strides[i] * (size - 1)) + Reach(i) - pads[i] - pads[i + Rank] < 1)
                    {
                        size++;
                    }

                    return size;
                }),
        ];

    public long[] OutputPadding() => [.. strides.Select(s => (long)draw.Whole(0, (int)s - 1))];

    public (string, AttributeValue)[] Attributes() =>
        [
            ("kernel_shape", Kernel),
            ("strides", strides),
            .. dilations.All(d => d == 1) ? [] : new (string, AttributeValue)[] { ("dilations", dilations) },
            autoPad == "NOTSET" ? ("pads", pads) : ("auto_pad", autoPad),
        ];

    private long Reach(int axis) => (dilations[axis] * (Kernel[axis] - 1)) + 1;
}
