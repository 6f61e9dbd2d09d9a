using System.Numerics.Tensors;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The elements of a tensor (or of one channel) as a distribution.</summary>
/// <param name="values">The elements; not copied.</param>
public sealed class ValuesDistribution(ReadOnlyMemory<float> values) : IDistribution
{
    private float[]? sorted;

    /// <inheritdoc/>
    /// <remarks>Exact: weights are the same on every processor.</remarks>
    public (float Min, float Max) Range { get; } =
        values.Length == 0 ? (0, 0) : (TensorPrimitives.Min(values.Span), TensorPrimitives.Max(values.Span));

    /// <inheritdoc/>
    public double SumOfSquares => PortableSums.SumOfSquares(values.Span);

    /// <inheritdoc/>
    public double Error(UniformQuantizer quantizer, double power) =>
        QuantizationError.Sum(values.Span, quantizer, power);

    /// <inheritdoc/>
    public float Quantile(double share)
    {
        if (values.Length == 0)
        {
            return 0;
        }

        if (sorted is null)
        {
            sorted = values.ToArray();
            Array.Sort(sorted);
        }

        return sorted[(int)Math.Clamp(Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
