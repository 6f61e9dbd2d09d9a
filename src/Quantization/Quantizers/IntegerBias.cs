namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// A bias as int32 in the steps that a kernel's sums have, <c>s_x · s_w</c> per channel: simulation and export both take it
/// from here.
/// </summary>
/// <param name="Codes">One per output channel.</param>
/// <param name="Scales">The step of each channel.</param>
public sealed record IntegerBias(int[] Codes, float[] Scales)
{
    // Sums need room beside the bias.
    private const double Room = 1 << 30;

    /// <summary>The values that the codes stand for.</summary>
    public float[] ToFloats() => [.. Codes.Zip(Scales, (c, s) => c * s)];

    /// <summary>Rounds a bias.</summary>
    /// <param name="bias">One per output channel, or one for all.</param>
    /// <param name="weight">The layer's weight, after <see cref="MakeRoom"/>.</param>
    /// <param name="input">The quantizer of the layer's input.</param>
    public static IntegerBias Of(ReadOnlySpan<float> bias, QuantizedWeight weight, UniformQuantizer input)
    {
        var scales = weight.Scales;
        var codes = new int[scales.Length];
        for (var c = 0; c < scales.Length; c++)
        {
            scales[c] *= input.Scale;
            codes[c] = (int)Math.Clamp(Math.Round((double)At(bias, c) / scales[c]), -Room, Room);
        }

        return new(codes, scales);
    }

    /// <summary>
    /// Channels of nearly no weight have steps so small that their bias would not fit int32; a larger step costs them
    /// nothing, since all their codes are the zero point.
    /// </summary>
    public static QuantizedWeight MakeRoom(ReadOnlySpan<float> bias, QuantizedWeight weight, UniformQuantizer input)
    {
        UniformQuantizer[]? changed = null;
        for (var c = 0; c < weight.Quantizers.Count; c++)
        {
            var least = Math.Abs(At(bias, c)) / (Room * input.Scale);
            if (weight.Quantizers[c].Scale < least)
            {
                (changed ??= [.. weight.Quantizers])[c] = weight.Quantizers[c] with { Scale = (float)least };
            }
        }

        return changed is null
            ? weight
            : WeightQuantizer.Quantize(weight.ToFloats(), [.. weight.Dims], weight.Axis, changed);
    }

    private static float At(ReadOnlySpan<float> bias, int channel) => bias.Length == 1 ? bias[0] : bias[channel];
}
