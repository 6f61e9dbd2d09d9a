using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Sums whose order does not depend on the processor: eight floats or four doubles side by side, added up lane by lane at
/// the end, with no fused multiplication. <c>TensorPrimitives</c> and <c>Vector&lt;T&gt;</c> take as many lanes as the
/// processor has, and what is decided by a sum's last digits would be decided otherwise on another one.
/// </summary>
internal static class PortableSums
{
    /// <summary>Σ x.</summary>
    public static float Sum(ReadOnlySpan<float> x)
    {
        var sums = Vector256<float>.Zero;
        foreach (var lanes in MemoryMarshal.Cast<float, Vector256<float>>(x))
        {
            sums += lanes;
        }

        var sum = AcrossLanes(sums);
        foreach (var value in Rest(x))
        {
            sum += value;
        }

        return sum;
    }

    /// <summary>Σ x².</summary>
    public static float SumOfSquares(ReadOnlySpan<float> x) => Dot(x, x);

    /// <summary>Σ x·y.</summary>
    /// <exception cref="ArgumentException">There are not as many of both.</exception>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Check(x.Length, y.Length);
        var xs = MemoryMarshal.Cast<float, Vector256<float>>(x);
        var ys = MemoryMarshal.Cast<float, Vector256<float>>(y);
        var sums = Vector256<float>.Zero;
        for (var i = 0; i < xs.Length; i++)
        {
            sums += xs[i] * ys[i];
        }

        var sum = AcrossLanes(sums);
        for (var i = xs.Length * Vector256<float>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    /// <summary>Σ x·y.</summary>
    /// <exception cref="ArgumentException">There are not as many of both.</exception>
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check(x.Length, y.Length);
        var xs = MemoryMarshal.Cast<double, Vector256<double>>(x);
        var ys = MemoryMarshal.Cast<double, Vector256<double>>(y);
        // Two sums: one alone would wait for itself.
        var (even, odd) = (Vector256<double>.Zero, Vector256<double>.Zero);
        var i = 0;
        for (; i + 1 < xs.Length; i += 2)
        {
            even += xs[i] * ys[i];
            odd += xs[i + 1] * ys[i + 1];
        }

        if (i < xs.Length)
        {
            even += xs[i] * ys[i];
        }

        var sum = AcrossLanes(even + odd);
        for (i = xs.Length * Vector256<double>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    /// <summary>√Σ (x − y)².</summary>
    /// <exception cref="ArgumentException">There are not as many of both.</exception>
    public static float Distance(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Check(x.Length, y.Length);
        var xs = MemoryMarshal.Cast<float, Vector256<float>>(x);
        var ys = MemoryMarshal.Cast<float, Vector256<float>>(y);
        var sums = Vector256<float>.Zero;
        for (var i = 0; i < xs.Length; i++)
        {
            var difference = xs[i] - ys[i];
            sums += difference * difference;
        }

        var sum = AcrossLanes(sums);
        for (var i = xs.Length * Vector256<float>.Count; i < x.Length; i++)
        {
            sum += (x[i] - y[i]) * (x[i] - y[i]);
        }

        return MathF.Sqrt(sum);
    }

    private static T AcrossLanes<T>(Vector256<T> lanes)
        where T : INumber<T>
    {
        var sum = T.Zero;
        for (var i = 0; i < Vector256<T>.Count; i++)
        {
            sum += lanes[i];
        }

        return sum;
    }

    private static ReadOnlySpan<float> Rest(ReadOnlySpan<float> x) =>
        x[(x.Length / Vector256<float>.Count * Vector256<float>.Count)..];

    private static void Check(int one, int other)
    {
        if (one != other)
        {
            throw new ArgumentException($"{one} numbers cannot be paired with {other}.");
        }
    }
}
