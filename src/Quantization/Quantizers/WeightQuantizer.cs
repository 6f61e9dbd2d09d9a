using DiffusionQuant.Engine;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Rounds weights to nearest on a grid per output channel.</summary>
public static class WeightQuantizer
{
    /// <summary>Quantizes a weight to one width.</summary>
    /// <inheritdoc cref="Quantize(ReadOnlyMemory{float}, long[], int, IReadOnlyList{int}, IRangeEstimator)"/>
    public static QuantizedWeight Quantize(
        ReadOnlyMemory<float> weight,
        long[] dims,
        int axis,
        int bits,
        IRangeEstimator range
    ) => Quantize(weight, dims, axis, [.. Enumerable.Repeat(bits, (int)dims[axis])], range);

    /// <summary>
    /// Quantizes a weight. Up to 6 bits the grid is asymmetric; above it is symmetric, because <c>q − z</c> must fit the int8
    /// of the kernels, and at 8 bits its step is not below <see cref="PairedProducts.LeastScale"/>.
    /// </summary>
    /// <param name="weight">The elements.</param>
    /// <param name="dims">The sizes.</param>
    /// <param name="axis">The output channels' axis.</param>
    /// <param name="bits">The width of each output channel's codes, 1 to 8.</param>
    /// <param name="range">How each channel's range is found.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is another number of widths than of channels.</exception>
    public static QuantizedWeight Quantize(
        ReadOnlyMemory<float> weight,
        long[] dims,
        int axis,
        IReadOnlyList<int> bits,
        IRangeEstimator range
    )
    {
        var channels = WeightChannels.Gather(weight.Span, dims, axis);
        ArgumentOutOfRangeException.ThrowIfNotEqual(bits.Count, channels.Length);
        var quantizers = new UniformQuantizer[channels.Length];
        var kernel = dims.Skip(2).Aggregate(1L, (a, b) => a * b);
        Workers.For(
            0,
            channels.Length,
            c =>
            {
                var symmetry = bits[c] >= 7 ? Symmetry.Symmetric : Symmetry.Asymmetric;
                var quantizer = range.Estimate(new ValuesDistribution(channels[c]), bits[c], symmetry);
                quantizers[c] = WithRoom(quantizer, channels[c], kernel);
            }
        );
        return Quantize(weight.Span, dims, axis, quantizers);
    }

    /// <summary>Quantizers that have room for the values at 8 bits (<see cref="PairedProducts.LeastScale"/>); others stay.</summary>
    /// <inheritdoc cref="Quantize(ReadOnlySpan{float}, long[], int, UniformQuantizer[])"/>
    internal static UniformQuantizer[] WithRoom(
        ReadOnlySpan<float> weight,
        long[] dims,
        int axis,
        IReadOnlyList<UniformQuantizer> quantizers
    )
    {
        var channels = WeightChannels.Gather(weight, dims, axis);
        var kernel = dims.Skip(2).Aggregate(1L, (a, b) => a * b);
        return [.. quantizers.Select((q, c) => WithRoom(q, channels[c], kernel))];
    }

    private static UniformQuantizer WithRoom(UniformQuantizer quantizer, float[] channel, long kernel) =>
        quantizer.Bits < 8
            ? quantizer
            : quantizer with
            {
                Scale = Math.Max(quantizer.Scale, PairedProducts.LeastScale(channel, kernel)),
            };

    /// <summary>Quantizes a weight with given quantizers, one per output channel.</summary>
    public static QuantizedWeight Quantize(
        ReadOnlySpan<float> weight,
        long[] dims,
        int axis,
        UniformQuantizer[] quantizers
    )
    {
        var codes = new byte[weight.Length];
        foreach (var (channel, start, length) in WeightChannels.Runs(dims, axis))
        {
            var quantizer = quantizers[channel];
            for (var i = start; i < start + length; i++)
            {
                codes[i] = (byte)quantizer.Quantize(weight[i]);
            }
        }

        return new(dims, axis, quantizers, codes);
    }
}
