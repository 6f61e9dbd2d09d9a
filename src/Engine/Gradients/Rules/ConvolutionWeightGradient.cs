namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// The gradient of a convolution's weights as one matrix product over all places of the output. Channels come first, so
/// that every copy moves whole rows of an image.
/// </summary>
/// <param name="w">Writes the nodes.</param>
/// <param name="window">How the kernel moves.</param>
/// <param name="inputDims">The sizes of the convolution's input [N, C, …].</param>
/// <param name="outputDims">The sizes of its output [N, M, …].</param>
/// <param name="weightDims">The sizes of its weights [M, C/g, K…].</param>
internal sealed class ConvolutionWeightGradient(
    GradientWriter w,
    ConvolutionWindow window,
    long[] inputDims,
    long[] outputDims,
    long[] weightDims
)
{
    private readonly long group = window.Group;
    private readonly long outputs = weightDims[0] / window.Group;
    private readonly long inputs = weightDims[1];
    private readonly long[] kernel = weightDims[2..];

    /// <summary>The weights' gradient.</summary>
    /// <param name="input">The convolution's input.</param>
    /// <param name="gradient">The gradient of its output.</param>
    public string Of(string input, string gradient)
    {
        long[] exchange = [1, 0, .. Enumerable.Range(2, kernel.Length).Select(i => (long)i)];
        var (x, g) = (w.Transpose(input, exchange), w.Transpose(gradient, exchange));
        var isPlain =
            group == 1
            && kernel[0] > 1
            && Array.TrueForAll(window.Strides, s => s == 1)
            && Array.TrueForAll(window.Pads, p => p >= 0);
        return isPlain ? Shifted(x, g) : Viewed(x, g);
    }

    /// <summary>
    /// Without strides both factors share the work of moving: the input is moved along all axes but the first, the
    /// output's gradient along the first, where a move is one copy, since all images lie in one column with enough zeros
    /// between them. So three copies of each make the nine places of a 3×3 kernel, and a single product of [K₁·M, P] and
    /// [K₂·C, P] has them all.
    /// </summary>
    private string Shifted(string x, string g)
    {
        var (places, first) = (kernel[1..].Aggregate(1L, (a, b) => a * b), kernel[0]);
        var (begin, end) = (window.Begins[0], window.Ends[0]);
        var rows = Math.Max(window.Inputs[0] + Math.Max(begin, end), window.Outputs[0]);
        var rest = window.Outputs[1..];
        var row = rest.Aggregate(1L, (a, b) => a * b);
        var length = inputDims[0] * rows * row;
        var columns = window
            .Offsets()
            .Take((int)places)
            .Select(offset =>
            {
                long[] begins = [.. rest.Select((_, i) => window.Begins[i + 1] - offset[i + 1])];
                long[] ends = [.. rest.Select((size, i) => size - window.Inputs[i + 1] - begins[i])];
                var moved = w.Pad(x, [0, 0, 0, .. begins, 0, 0, rows - window.Inputs[0], .. ends]);
                return w.Reshape(moved, inputs, length);
            });
        var padded = w.Reshape(
            w.Pad(g, [0, 0, 0, .. rest.Select(_ => 0L), 0, 0, rows - window.Outputs[0], .. rest.Select(_ => 0L)]),
            outputs,
            length
        );
        var lines = Enumerable
            .Range(0, (int)first)
            .Select(i => ((i * window.Dilations[0]) - begin) * row)
            .Select(move => w.Pad(padded, 0, move, 0, -move));
        var product = w.Op("Gemm", [Joined(lines, 0), Joined(columns, 0)], ("transB", 1L));
        var split = w.Reshape(product, first, outputs, places, inputs);
        return w.Reshape(w.Transpose(split, 1, 3, 0, 2), weightDims);
    }

    /// <summary>
    /// The output's gradient [M, N·O] times the input as each place of the kernel sees it [K·C, N·O].
    /// </summary>
    private string Viewed(string x, string g)
    {
        var places = outputDims[2..].Aggregate(outputDims[0], (a, b) => a * b);
        var padded = w.Pad(x, [0, 0, .. window.Begins, 0, 0, .. window.Ends]);
        var views = window.Offsets().Select(offset => View(padded, offset)).ToArray();
        var count = (long)views.Length;
        string product;
        if (group == 1)
        {
            var columns = Joined(views.Select(v => w.Reshape(v, inputs, places)), 0);
            product = w.Op("Gemm", [w.Reshape(g, outputs, places), columns], ("transB", 1L));
        }
        else
        {
            var columns = Joined(views.Select(v => w.Reshape(v, group, inputs, places)), 1);
            product = w.Op("MatMul", w.Reshape(g, group, outputs, places), w.Transpose(columns, 0, 2, 1));
        }

        if (count == 1)
        {
            return w.Reshape(product, weightDims);
        }

        var split = w.Reshape(product, group * outputs, count, inputs);
        return w.Reshape(w.Transpose(split, 0, 2, 1), weightDims);
    }

    /// <summary>The input elements that one place of the kernel meets, in the output's order.</summary>
    private string View(string padded, long[] offset)
    {
        var whole = window.PaddedSizes();
        long[] axes =
        [
            .. Enumerable
                .Range(0, offset.Length)
                .Where(i => window.Strides[i] != 1 || window.Outputs[i] != whole[i])
                .Select(i => (long)i),
        ];
        return axes.Length == 0
            ? padded
            : w.Op(
                "Slice",
                padded,
                w.Integers([.. axes.Select(i => offset[i])]),
                w.Integers([.. axes.Select(i => offset[i] + ((window.Outputs[i] - 1) * window.Strides[i]) + 1)]),
                w.Integers([.. axes.Select(i => i + 2)]),
                w.Integers([.. axes.Select(i => window.Strides[i])])
            );
    }

    private string Joined(IEnumerable<string> values, long axis)
    {
        string[] parts = [.. values];
        return parts.Length == 1 ? parts[0] : w.Op("Concat", parts, ("axis", axis));
    }
}
