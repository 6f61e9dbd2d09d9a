using System.Numerics;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The error that a quantizer leaves: the inner loop of every range search.</summary>
public static class QuantizationError
{
    /// <summary>The sum of <c>|x − x̂|^p</c>, vectorised.</summary>
    public static double Sum(ReadOnlySpan<float> values, UniformQuantizer quantizer, double power)
    {
        var inverse = new Vector<float>(1 / quantizer.Scale);
        var scale = new Vector<float>(quantizer.Scale);
        var low = new Vector<float>(-quantizer.ZeroPoint);
        var high = new Vector<float>(quantizer.MaxCode - quantizer.ZeroPoint);
        var width = Vector<float>.Count;
        var sum = 0.0;
        Span<float> errors = stackalloc float[width];
        var i = 0;
        for (; i <= values.Length - width; i += width)
        {
            var x = new Vector<float>(values[i..]);
            // Multiplying by the inverse may round a tie the other way than dividing does; the error is the same to a
            // rounding, and a search only compares errors.
            var code = Vector.Min(Vector.Max(Vector.Round(x * inverse), low), high);
            Vector.Abs(x - (code * scale)).CopyTo(errors);
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
            return System.Numerics.Tensors.TensorPrimitives.SumOfSquares(errors);
        }

        Span<float> raised = stackalloc float[errors.Length];
        System.Numerics.Tensors.TensorPrimitives.Pow(errors, (float)power, raised);
        return System.Numerics.Tensors.TensorPrimitives.Sum<float>(raised);
    }
}
