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
    /// <param name="quantizers">One per output channel, all of the same width.</param>
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

    /// <summary>The codes' width.</summary>
    public int Bits => Quantizers[0].Bits;

    /// <summary>The step size of each output channel.</summary>
    public float[] Scales => [.. Quantizers.Select(q => q.Scale)];

    /// <summary>The same quantizers with other codes.</summary>
    /// <exception cref="ArgumentException">There is another number of them.</exception>
    public QuantizedWeight WithCodes(byte[] codes) =>
        codes.Length == Codes.Length
            ? new([.. Dims], Axis, [.. Quantizers], codes)
            : throw new ArgumentException($"{Codes.Length} codes are expected, not {codes.Length}.", nameof(codes));

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
