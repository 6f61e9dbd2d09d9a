using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// The rows that a layer multiplies with its weights: a convolution's input elements under its kernel at one place, or a
/// matrix product's row.
/// </summary>
internal sealed class LayerInputs
{
    private readonly long[] weightDims;
    private readonly bool isConvolution;
    private readonly long[] strides;
    private readonly long[] dilations;
    private readonly long[]? pads;
    private readonly bool isUpperPadding;

    /// <summary>Reads how a layer walks over its input.</summary>
    /// <param name="layer">One of which <see cref="AreRowsOf"/> holds.</param>
    public LayerInputs(QuantizableLayer layer)
    {
        var node = layer.Node;
        weightDims = layer.Weight!.Dims.ToArray();
        isConvolution = layer.Kind == LayerKind.Convolution;
        Groups = isConvolution ? (int)node.Int("group", 1) : 1;
        Columns = isConvolution
            ? (int)weightDims[1..].Aggregate(1L, (a, b) => a * b)
            : (int)weightDims[layer.ChannelAxis == 0 ? 1 : 0];
        var rank = isConvolution ? weightDims.Length - 2 : 0;
        long[] ones = [.. Enumerable.Repeat(1L, rank)];
        strides = node.Ints("strides")?.ToArray() ?? ones;
        dilations = node.Ints("dilations")?.ToArray() ?? ones;
        var mode = node.Text("auto_pad", "NOTSET");
        isUpperPadding = mode == "SAME_UPPER";
        pads = mode is "NOTSET" or "VALID" ? node.Ints("pads")?.ToArray() ?? new long[2 * rank] : null;
    }

    /// <summary>Whether a layer multiplies rows of its input with its weights.</summary>
    public static bool AreRowsOf(LayerPlan layer) =>
        layer.WeightInput == 1 && layer.Kind is LayerKind.Convolution or LayerKind.Gemm or LayerKind.Linear;

    /// <summary>The channels are divided into so many groups, each of which multiplies its own.</summary>
    public int Groups { get; }

    /// <summary>The length of a row: the weights of one output channel.</summary>
    public int Columns { get; }

    /// <summary>Takes some rows of an input.</summary>
    /// <param name="input">The input's elements.</param>
    /// <param name="dims">Its sizes.</param>
    /// <param name="group">The group.</param>
    /// <param name="every">Every so many places are taken.</param>
    /// <returns>The rows, one behind the other.</returns>
    public float[] Rows(ReadOnlySpan<float> input, long[] dims, int group, int every) =>
        isConvolution ? ConvolutionRows(input, dims, group, every) : MatrixRows(input, every);

    /// <summary>How many rows an input has.</summary>
    public long Places(long[] dims) =>
        isConvolution
            ? OutputSizes(dims).Aggregate(dims[0], (a, b) => a * b)
            : dims.Aggregate(1L, (a, b) => a * b) / Columns;

    private float[] MatrixRows(ReadOnlySpan<float> input, int every)
    {
        var count = input.Length / Columns;
        var rows = new List<float>();
        for (var i = 0; i < count; i += every)
        {
            rows.AddRange(input.Slice(i * Columns, Columns));
        }

        return [.. rows];
    }

    private float[] ConvolutionRows(ReadOnlySpan<float> input, long[] dims, int group, int every)
    {
        var outputs = OutputSizes(dims);
        var rank = outputs.Length;
        var (channels, kernel) = ((int)weightDims[1], weightDims[2..]);
        var kernelSize = (int)kernel.Aggregate(1L, (a, b) => a * b);
        var spatial = dims[2..].Aggregate(1L, (a, b) => a * b);
        var begins = Begins(dims, outputs);
        var places = outputs.Aggregate(1L, (a, b) => a * b);
        var total = dims[0] * places;
        var rows = new float[(total + every - 1) / every * Columns];
        var at = 0;
        var offsets = new long[kernelSize];
        for (var place = 0L; place < total; place += every, at += Columns)
        {
            FillOffsets(offsets, place % places, outputs, begins, kernel, dims, rank);
            var image = place / places * dims[1];
            for (var c = 0; c < channels; c++)
            {
                var start = (image + (group * channels) + c) * spatial;
                for (var k = 0; k < kernelSize; k++)
                {
                    rows[at + (c * kernelSize) + k] = offsets[k] < 0 ? 0 : input[(int)(start + offsets[k])];
                }
            }
        }

        return rows;
    }

    /// <summary>Where the kernel's elements lie within a channel for one place of the output; −1 for padding.</summary>
    private void FillOffsets(
        long[] offsets,
        long place,
        long[] outputs,
        long[] begins,
        long[] kernel,
        long[] dims,
        int rank
    )
    {
        Span<long> corner = stackalloc long[rank];
        for (var i = rank - 1; i >= 0; i--)
        {
            corner[i] = (place % outputs[i] * strides[i]) - begins[i];
            place /= outputs[i];
        }

        Span<long> element = stackalloc long[rank];
        for (var k = 0; k < offsets.Length; k++)
        {
            var rest = (long)k;
            for (var i = rank - 1; i >= 0; i--)
            {
                element[i] = corner[i] + (rest % kernel[i] * dilations[i]);
                rest /= kernel[i];
            }

            var offset = 0L;
            for (var i = 0; i < rank && offset >= 0; i++)
            {
                offset = element[i] < 0 || element[i] >= dims[i + 2] ? -1 : (offset * dims[i + 2]) + element[i];
            }

            offsets[k] = offset;
        }
    }

    private long Reach(int i) => (dilations[i] * (weightDims[i + 2] - 1)) + 1;

    private long[] OutputSizes(long[] dims) =>
        [
            .. strides.Select(
                (stride, i) =>
                    pads is null
                        ? (dims[i + 2] + stride - 1) / stride
                        : ((dims[i + 2] + pads[i] + pads[i + strides.Length] - Reach(i)) / stride) + 1
            ),
        ];

    private long[] Begins(long[] dims, long[] outputs) =>
        pads is not null
            ? pads[..strides.Length]
            :
            [
                .. outputs.Select(
                    (size, i) =>
                    {
                        var total = Math.Max(((size - 1) * strides[i]) + Reach(i) - dims[i + 2], 0);
                        return isUpperPadding ? total / 2 : total - (total / 2);
                    }
                ),
            ];
}
