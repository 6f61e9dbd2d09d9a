namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// A weight as integer codes, one quantizer per output channel. A code <c>q</c> with zero point <c>z</c> stands for the
/// int8 value <c>q − z</c> with zero point 0, exactly; so kernels that want symmetric int8 weights run asymmetric codes.
/// </summary>
public sealed class QuantizedWeight
{
    /// <summary>Makes a quantized weight.</summary>
    /// <param name="dims">The weight's sizes.</param>
    /// <param name="axis">The output channels' axis.</param>
    /// <param name="quantizers">One per output channel; their widths may differ.</param>
    /// <param name="codes">One per element, in the weight's order.</param>
    public QuantizedWeight(long[] dims, int axis, UniformQuantizer[] quantizers, byte[] codes)
    {
        Dims = dims;
        Axis = axis;
        Quantizers = quantizers;
        Codes = codes;
    }

    /// <summary>The weight's sizes.</summary>
    public IReadOnlyList<long> Dims { get; }

    /// <summary>The output channels' axis.</summary>
    public int Axis { get; }

    /// <summary>One per output channel.</summary>
    public IReadOnlyList<UniformQuantizer> Quantizers { get; }

    /// <summary>One code per element, in the weight's order.</summary>
    public ReadOnlyMemory<byte> Codes { get; }

    /// <summary>The codes' width where all channels have the same; null where they differ.</summary>
    public int? Bits => Widths is [var only] ? only.Bits : null;

    /// <summary>The mean width of the channels' codes, in bits.</summary>
    public double MeanBits => Quantizers.Average(q => q.Bits);

    /// <summary>The channels of each width, narrow ones first; a width's channels are in the weight's order.</summary>
    public IReadOnlyList<(int Bits, int[] Channels)> Widths =>
        [
            .. Quantizers
                .Select((quantizer, channel) => (quantizer.Bits, Channel: channel))
                .GroupBy(c => c.Bits, c => c.Channel)
                .OrderBy(g => g.Key)
                .Select(g => (g.Key, g.ToArray())),
        ];

    /// <summary>The shape that lets one number per output channel broadcast over the weight.</summary>
    internal long[] ChannelDims => [.. Dims.Select((size, axis) => axis == Axis ? size : 1)];

    /// <summary>The step size of each output channel.</summary>
    public float[] Scales => [.. Quantizers.Select(q => q.Scale)];

    /// <summary>The same quantizers with other codes.</summary>
    /// <exception cref="ArgumentException">There is another number of them.</exception>
    public QuantizedWeight WithCodes(byte[] codes) =>
        codes.Length == Codes.Length
            ? new([.. Dims], Axis, [.. Quantizers], codes)
            : throw new ArgumentException($"{Codes.Length} codes are expected, not {codes.Length}.", nameof(codes));

    /// <summary>Some of the output channels as a weight of their own.</summary>
    /// <param name="channels">Which, in the order that they will have.</param>
    public QuantizedWeight Part(IReadOnlyList<int> channels)
    {
        var all = WeightChannels.Gather(Codes.Span, Dims, Axis);
        long[] dims = [.. Dims];
        dims[Axis] = channels.Count;
        byte[][] codes = [.. channels.Select(c => all[c])];
        return new(dims, Axis, [.. channels.Select(c => Quantizers[c])], WeightChannels.Scatter(codes, dims, Axis));
    }

    /// <summary>The int8 value <c>q − z</c> of every element.</summary>
    public sbyte[] ToInt8()
    {
        var result = new sbyte[Codes.Length];
        var codes = Codes.Span;
        foreach (var (channel, start, length) in WeightChannels.Runs(Dims, Axis))
        {
            var zero = Quantizers[channel].ZeroPoint;
            for (var i = start; i < start + length; i++)
            {
                result[i] = checked((sbyte)(codes[i] - zero));
            }
        }

        return result;
    }

    /// <summary>The dequantized weight, which is what the simulation computes with.</summary>
    public float[] ToFloats()
    {
        var result = new float[Codes.Length];
        var codes = Codes.Span;
        foreach (var (channel, start, length) in WeightChannels.Runs(Dims, Axis))
        {
            var quantizer = Quantizers[channel];
            for (var i = start; i < start + length; i++)
            {
                result[i] = quantizer.Dequantize(codes[i]);
            }
        }

        return result;
    }
}
