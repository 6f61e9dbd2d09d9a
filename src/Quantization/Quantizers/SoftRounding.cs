using System.Numerics.Tensors;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// A weight whose rounding, up or down, is still open (AdaRound, Nagel et al. 2020, equations 22 and 23):
/// ŵ = s·(clip(⌊w/s⌋ + z + h(α), 0, n) − z) with h(α) = clip(σ(α)·(ζ − γ) + γ, 0, 1).
/// Written as ŵ = <see cref="Lower"/> + <see cref="Span"/>·h(α), whose two constants hold the clipping.
/// </summary>
public sealed class SoftRounding
{
    /// <summary>ζ, above 1, so that h reaches 1.</summary>
    public const float Zeta = 1.1f;

    /// <summary>γ, below 0, so that h reaches 0.</summary>
    public const float Gamma = -0.1f;

    // Fractions at the borders would have an infinite α.
    private const float LeastDistance = 1e-4f;

    private readonly QuantizedWeight nearest;
    private readonly byte[] lowerCodes;
    private readonly bool[] isOpen;

    /// <summary>Opens the rounding of a weight on the grid of its quantizers.</summary>
    /// <param name="weight">The float weight, in the order of its elements.</param>
    /// <param name="nearest">Its quantizers, per output channel.</param>
    public SoftRounding(ReadOnlySpan<float> weight, QuantizedWeight nearest)
    {
        this.nearest = nearest;
        lowerCodes = new byte[weight.Length];
        isOpen = new bool[weight.Length];
        Lower = new float[weight.Length];
        Span = new float[weight.Length];
        InitialAlpha = new float[weight.Length];
        foreach (var (channel, start, length) in WeightChannels.Runs(nearest.Dims, nearest.Axis))
        {
            var quantizer = nearest.Quantizers[channel];
            for (var i = start; i < start + length; i++)
            {
                Open(i, weight[i], quantizer);
            }
        }
    }

    /// <summary>ŵ when rounded down.</summary>
    public float[] Lower { get; }

    /// <summary>The step between down and up; 0 where clipping decides.</summary>
    public float[] Span { get; }

    /// <summary>The α with which h is the fraction w/s − ⌊w/s⌋: the float weight itself.</summary>
    public float[] InitialAlpha { get; }

    /// <summary>The weight with each rounding decided: up where α is at least 0.</summary>
    public QuantizedWeight Harden(ReadOnlySpan<float> alpha)
    {
        var codes = new byte[alpha.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)(lowerCodes[i] + (isOpen[i] && alpha[i] >= 0 ? 1 : 0));
        }

        return nearest.WithCodes(codes);
    }

    /// <summary>h(α).</summary>
    public static float Rectify(float alpha) => Math.Clamp((TensorMath.Sigmoid(alpha) * (Zeta - Gamma)) + Gamma, 0, 1);

    private void Open(int index, float value, UniformQuantizer quantizer)
    {
        var ratio = value / quantizer.Scale;
        var floor = MathF.Floor(ratio);
        var code = floor + quantizer.ZeroPoint;
        isOpen[index] = code >= 0 && code < quantizer.MaxCode;
        lowerCodes[index] = (byte)Math.Clamp(code, 0, quantizer.MaxCode);
        Lower[index] = quantizer.Dequantize(lowerCodes[index]);
        Span[index] = isOpen[index] ? quantizer.Scale : 0;
        var fraction = Math.Clamp(ratio - floor, LeastDistance, 1 - LeastDistance);
        InitialAlpha[index] = -MathF.Log(((Zeta - Gamma) / (fraction - Gamma)) - 1);
    }

    private static class TensorMath
    {
        public static float Sigmoid(float x)
        {
            Span<float> result = [x];
            TensorPrimitives.Sigmoid(result, result);
            return result[0];
        }
    }
}
