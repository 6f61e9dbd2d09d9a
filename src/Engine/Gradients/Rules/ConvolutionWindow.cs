using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>How a convolution's kernel moves over its input; one entry per spatial dimension.</summary>
/// <param name="Inputs">The input's sizes.</param>
/// <param name="Kernel">The kernel's sizes.</param>
/// <param name="Outputs">The output's sizes.</param>
/// <param name="Strides">Steps of the kernel.</param>
/// <param name="Dilations">Distances of the kernel's elements.</param>
/// <param name="Pads">Zeros before each dimension, then behind each.</param>
/// <param name="Group">The number of groups that channels are divided into.</param>
internal sealed record ConvolutionWindow(
    long[] Inputs,
    long[] Kernel,
    long[] Outputs,
    long[] Strides,
    long[] Dilations,
    long[] Pads,
    long Group
)
{
    private int Rank => Kernel.Length;

    /// <summary>Zeros before each dimension.</summary>
    public long[] Begins => Pads[..Rank];

    /// <summary>Zeros behind each dimension.</summary>
    public long[] Ends => Pads[Rank..];

    /// <summary>The window of a convolution.</summary>
    public static ConvolutionWindow Of(GradientContext c, long[] inputs, long[] kernel, long[] outputs)
    {
        var window = Read(c, inputs, kernel, outputs);
        var pads = c.Node.Text("auto_pad", "NOTSET") switch
        {
            "NOTSET" => window.Pads,
            "VALID" => new long[2 * kernel.Length],
            var mode => window.Same(upper: mode == "SAME_UPPER"),
        };
        return window with { Pads = pads };
    }

    /// <summary>The window of the convolution whose input gradient a transposed convolution computes.</summary>
    public static ConvolutionWindow OfTransposed(GradientContext c, long[] inputs, long[] kernel, long[] outputs) =>
        c.Node.Text("auto_pad", "NOTSET") is "NOTSET" or "VALID" && c.Node.Ints("output_shape") is null
            ? Read(c, outputs, kernel, inputs)
            : throw c.Unsupported("auto_pad and output_shape");

    /// <summary>The window as attributes of a node.</summary>
    public (string Name, AttributeValue Value)[] Attributes() =>
        [("strides", Strides), ("dilations", Dilations), ("pads", Pads), ("group", Group), ("kernel_shape", Kernel)];

    /// <summary>The padding with which the flipped kernel gives the input's gradient; negative where the kernel is smaller
    /// than its padding.</summary>
    public long[] ReversedPads() =>
        [.. Enumerable.Range(0, 2 * Rank).Select(i => (Dilations[i % Rank] * (Kernel[i % Rank] - 1)) - Pads[i])];

    /// <summary>How many elements at the end of each dimension no kernel reached.</summary>
    public long[] OutputPadding() =>
        [
            .. Enumerable
                .Range(0, Rank)
                .Select(i =>
                    Inputs[i]
                    + Pads[i]
                    + Pads[i + Rank]
                    - ((Outputs[i] - 1) * Strides[i])
                    - (Dilations[i] * (Kernel[i] - 1))
                    - 1
                ),
        ];

    /// <summary>The input's sizes with its padding.</summary>
    public long[] PaddedSizes() => [.. Enumerable.Range(0, Rank).Select(i => Inputs[i] + Pads[i] + Pads[i + Rank])];

    /// <summary>Where each place of the kernel starts in the padded input, in the kernel's order.</summary>
    public IEnumerable<long[]> Offsets()
    {
        var count = Kernel.Aggregate(1L, (a, b) => a * b);
        for (var place = 0L; place < count; place++)
        {
            var offset = new long[Rank];
            var rest = place;
            for (var i = Rank - 1; i >= 0; i--)
            {
                offset[i] = rest % Kernel[i] * Dilations[i];
                rest /= Kernel[i];
            }

            yield return offset;
        }
    }

    private static ConvolutionWindow Read(GradientContext c, long[] inputs, long[] kernel, long[] outputs)
    {
        var ones = Enumerable.Repeat(1L, kernel.Length).ToArray();
        return new(
            inputs,
            kernel,
            outputs,
            c.Node.Ints("strides")?.ToArray() ?? ones,
            c.Node.Ints("dilations")?.ToArray() ?? ones,
            c.Node.Ints("pads")?.ToArray() ?? new long[2 * kernel.Length],
            c.Node.Int("group", 1)
        );
    }

    private long[] Same(bool upper)
    {
        var pads = new long[2 * Rank];
        for (var i = 0; i < Rank; i++)
        {
            var total = Math.Max(0, ((Outputs[i] - 1) * Strides[i]) + (Dilations[i] * (Kernel[i] - 1)) + 1 - Inputs[i]);
            (pads[i], pads[i + Rank]) = upper ? (total / 2, total - (total / 2)) : (total - (total / 2), total / 2);
        }

        return pads;
    }
}
