using System.Runtime.Intrinsics;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The error that a quantizer leaves: the inner loop of every range search.</summary>
public static class QuantizationError
{
    /// <summary>The sum of <c>|x − x̂|^p</c>, vectorised, and the same on every processor.</summary>
    public static double Sum(ReadOnlySpan<float> values, UniformQuantizer quantizer, double power)
    {
        var inverse = Vector256.Create(1 / quantizer.Scale);
        var scale = Vector256.Create(quantizer.Scale);
        var low = Vector256.Create((float)-quantizer.ZeroPoint);
        var high = Vector256.Create((float)(quantizer.MaxCode - quantizer.ZeroPoint));
        var width = Vector256<float>.Count;
        var sum = 0.0;
        Span<float> errors = stackalloc float[width];
        var i = 0;
        for (; i <= values.Length - width; i += width)
        {
            var x = Vector256.Create(values[i..]);
            // Multiplying by the inverse may round a tie the other way than dividing does; the error is the same to a
            // rounding, and a search only compares errors.
            var code = Vector256.Min(Vector256.Max(Vector256.Round(x * inverse), low), high);
            Vector256.Abs(x - (code * scale)).CopyTo(errors);
            sum += Sum(errors, power);
        }

        for (; i < values.Length; i++)
        {
            sum += Power(Math.Abs(values[i] - quantizer.Simulate(values[i])), power);
        }

        return sum;
    }

    /// <summary>One error raised to the power.</summary>
    internal static double Power(float error, double power) =>
        power == 2 ? (double)error * error : Math.Pow(error, power);

    private static double Sum(ReadOnlySpan<float> errors, double power)
    {
        if (power == 2)
        {
            return PortableSums.SumOfSquares(errors);
        }

        Span<float> raised = stackalloc float[errors.Length];
        System.Numerics.Tensors.TensorPrimitives.Pow(errors, (float)power, raised);
        return PortableSums.Sum(raised);
    }
}
