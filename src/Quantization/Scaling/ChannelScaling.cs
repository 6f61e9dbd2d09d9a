using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Multiplies the input channels of a layer's weight.</summary>
internal static class ChannelScaling
{
    /// <summary>The weight with each input channel multiplied by its ratio, in the weight's own type.</summary>
    /// <param name="layer">A layer with a weight.</param>
    /// <param name="ratios">One per input channel.</param>
    public static OnnxTensor Scale(QuantizableLayer layer, ReadOnlySpan<float> ratios)
    {
        var weight = layer.Weight!;
        var dims = weight.Dims;
        var values = weight.ToFloats().ToArray();
        if (layer.Kind == LayerKind.Convolution)
        {
            var perGroup = (int)dims[1];
            var taps = 1;
            foreach (var size in dims[2..])
            {
                taps *= (int)size;
            }

            var outputsPerGroup = (int)(dims[0] / layer.Node.Int("group", 1));
            for (var row = 0; row < values.Length / taps; row++)
            {
                var channel = (row / perGroup / outputsPerGroup * perGroup) + (row % perGroup);
                Multiply(values.AsSpan(row * taps, taps), ratios[channel]);
            }
        }
        else
        {
            var columns = (int)dims[1];
            var isTransposed = layer.Kind == LayerKind.Gemm && layer.Node.Int("transB") != 0;
            for (var i = 0; i < values.Length; i++)
            {
                values[i] *= ratios[isTransposed ? i % columns : i / columns];
            }
        }

        return weight.WithFloats(values);
    }

    private static void Multiply(Span<float> values, float factor) =>
        System.Numerics.Tensors.TensorPrimitives.Multiply(values, factor, values);
}
