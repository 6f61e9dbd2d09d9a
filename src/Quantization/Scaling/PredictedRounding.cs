using System.Numerics.Tensors;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// What rounding will cost the layers that read a value, from the value's ranges and the layers' weights: weights are
/// rounded as they are, with the step sizes of their whole ranges, and the input's errors are those of even spread over a
/// step, Δ²/12, or the values themselves where they are smaller than that.
/// </summary>
internal static class PredictedRounding
{
    /// <summary>The mean square of a channel over that of its maximum: the largest of the thousands of values that
    /// calibration sees of a channel lies at four to five deviations.</summary>
    private const double MeanSquareOfMaximum = 0.05;

    private const double UniformVariance = 1 / 12.0;

    /// <summary>The squared error over the squared output, summed over readers and groups of timesteps.</summary>
    /// <param name="input">The value and its readers.</param>
    /// <param name="maxima">For each group of timesteps the largest magnitude of each channel.</param>
    /// <param name="ratios">By how much each channel is divided and its weights are multiplied.</param>
    public static double Error(ScaledInput input, IReadOnlyList<float[]> maxima, float[] ratios)
    {
        var error = 0.0;
        foreach (var reader in input.Readers)
        {
            var scaled = ChannelScaling.Scale(reader.Layer, ratios).ToFloats().Span;
            var weights = ChannelScaling.SquaredSums(reader.Layer, scaled, input.Channels);
            var weightErrors = ChannelScaling.SquaredSums(reader.Layer, Errors(reader, scaled), input.Channels);
            foreach (var group in maxima)
            {
                var largest = new float[group.Length];
                TensorPrimitives.Divide(group, ratios, largest);
                var step = 2.0 * TensorPrimitives.Max<float>(largest) / ((1 << input.Point.Bits) - 1);
                var (wrong, signal) = (0.0, 0.0);
                for (var d = 0; d < largest.Length; d++)
                {
                    var square = MeanSquareOfMaximum * largest[d] * largest[d];
                    signal += square * weights[d];
                    wrong +=
                        (Math.Min(UniformVariance * step * step, square) * weights[d]) + (square * weightErrors[d]);
                }

                error += signal > 0 ? wrong / signal : 0;
            }
        }

        return error;
    }

    /// <summary>What rounding takes from each weight.</summary>
    private static float[] Errors(LayerReader reader, ReadOnlySpan<float> weights)
    {
        long[] dims = [.. reader.Layer.Weight!.Dims];
        var quantizers = WeightChannels
            .Gather(weights, dims, reader.Layer.ChannelAxis)
            .Select(row => UniformQuantizer.OfRange(row.Min(), row.Max(), reader.Plan.WeightBits!.Value))
            .ToArray();
        var errors = new float[weights.Length];
        foreach (var (channel, start, length) in WeightChannels.Runs(dims, reader.Layer.ChannelAxis))
        {
            for (var i = start; i < start + length; i++)
            {
                errors[i] = weights[i] - quantizers[channel].Simulate(weights[i]);
            }
        }

        return errors;
    }
}
