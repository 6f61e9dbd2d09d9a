namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// The uniform affine quantizer of one scale: <c>q = clamp(round(x / Scale) + ZeroPoint, 0, 2^Bits − 1)</c> and
/// <c>x̂ = Scale · (q − ZeroPoint)</c>. Rounding is half to even, as ONNX's QuantizeLinear does it. Every reader of a plan
/// (simulation, export, range search) takes its arithmetic from here.
/// </summary>
/// <param name="Scale">The step size; positive.</param>
/// <param name="ZeroPoint">The code that stands for zero, 0 to 2^Bits − 1.</param>
/// <param name="Bits">The code's width, 1 to 8.</param>
public readonly record struct UniformQuantizer(float Scale, int ZeroPoint, int Bits)
{
    /// <summary>The least step size; keeps a tensor of zeros quantizable.</summary>
    public const float LeastScale = 1e-8f;

    /// <summary>The highest code.</summary>
    public int MaxCode => (1 << Bits) - 1;

    /// <summary>The value of the lowest code.</summary>
    public float LowestValue => Scale * -ZeroPoint;

    /// <summary>The value of the highest code.</summary>
    public float HighestValue => Scale * (MaxCode - ZeroPoint);

    /// <summary>
    /// The asymmetric quantizer of a range: the range is widened to hold zero, which is then represented exactly.
    /// </summary>
    public static UniformQuantizer OfRange(float min, float max, int bits)
    {
        min = Math.Min(min, 0);
        max = Math.Max(max, 0);
        var levels = (1 << bits) - 1;
        var scale = Math.Max((max - min) / levels, LeastScale);
        return new(scale, (int)Math.Clamp(MathF.Round(-min / scale), 0, levels), bits);
    }

    /// <summary>The quantizer whose zero point is the middle code, 2^(Bits−1), and whose range is ±<paramref name="limit"/>.</summary>
    public static UniformQuantizer Symmetric(float limit, int bits)
    {
        var half = Math.Max((1 << (bits - 1)) - 1, 1);
        return new(Math.Max(Math.Abs(limit) / half, LeastScale), 1 << (bits - 1), bits);
    }

    /// <summary>The code of a value.</summary>
    public int Quantize(float value) =>
        // The sum is clamped before the conversion: an infinite quotient must saturate, not wrap.
        (int)Math.Clamp(MathF.Round(value / Scale) + ZeroPoint, 0, MaxCode);

    /// <summary>The value of a code.</summary>
    public float Dequantize(int code) => Scale * (code - ZeroPoint);

    /// <summary>What is left of a value after quantizing and back.</summary>
    public float Simulate(float value) => Dequantize(Quantize(value));
}
