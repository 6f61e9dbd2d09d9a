using System.Numerics.Tensors;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Measures and multiplies the input channels of a layer's weight.</summary>
internal static class ChannelScaling
{
    /// <summary>The weight with each input channel multiplied by its ratio, in the weight's own type.</summary>
    /// <param name="layer">A layer with a weight.</param>
    /// <param name="ratios">One per input channel.</param>
    public static OnnxTensor Scale(QuantizableLayer layer, ReadOnlySpan<float> ratios)
    {
        var weight = layer.Weight!;
        var values = weight.ToFloats().ToArray();
        foreach (var (channel, start, length) in InputRuns(layer))
        {
            var run = values.AsSpan(start, length);
            TensorPrimitives.Multiply(run, ratios[channel], run);
        }

        return weight.WithFloats(values);
    }

    /// <summary>The largest magnitude of the weights of each input channel.</summary>
    /// <param name="layer">A layer with a weight.</param>
    /// <param name="channels">The number of its input channels.</param>
    public static float[] Maxima(QuantizableLayer layer, int channels)
    {
        var values = layer.Weight!.ToFloats().Span;
        var maxima = new float[channels];
        foreach (var (channel, start, length) in InputRuns(layer))
        {
            var most = Math.Abs(TensorPrimitives.MaxMagnitude(values.Slice(start, length)));
            maxima[channel] = Math.Max(maxima[channel], most);
        }

        return maxima;
    }

    /// <summary>The sum of squares over each input channel.</summary>
    /// <param name="layer">A layer with a weight.</param>
    /// <param name="values">Numbers that lie as the weight's.</param>
    /// <param name="channels">The number of its input channels.</param>
    public static double[] SquaredSums(QuantizableLayer layer, ReadOnlySpan<float> values, int channels)
    {
        var sums = new double[channels];
        foreach (var (channel, start, length) in InputRuns(layer))
        {
            sums[channel] += PortableSums.SumOfSquares(values.Slice(start, length));
        }

        return sums;
    }

    /// <summary>The contiguous runs of elements that belong to one input channel, in memory order.</summary>
    private static IEnumerable<(int Channel, int Start, int Length)> InputRuns(QuantizableLayer layer)
    {
        var dims = layer.Weight!.Dims.ToArray();
        var count = (int)layer.Weight.ElementCount;
        if (layer.Kind == LayerKind.Convolution)
        {
            var perGroup = (int)dims[1];
            var taps = (int)dims[2..].Aggregate(1L, (a, b) => a * b);
            var outputsPerGroup = (int)(dims[0] / layer.Node.Int("group", 1));
            for (var row = 0; row < count / taps; row++)
            {
                var channel = (row / perGroup / outputsPerGroup * perGroup) + (row % perGroup);
                yield return (channel, row * taps, taps);
            }

            yield break;
        }

        var columns = (int)dims[1];
        var isTransposed = layer.Kind == LayerKind.Gemm && layer.Node.Int("transB") != 0;
        var length = isTransposed ? 1 : columns;
        for (var start = 0; start < count; start += length)
        {
            yield return (isTransposed ? start % columns : start / columns, start, length);
        }
    }
}
