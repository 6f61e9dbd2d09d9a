using System.Numerics.Tensors;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Divides the channels of layers' inputs and multiplies the weights, so that neither has channels much larger than the
/// others (SmoothQuant, Xiao et al., ICML 2023; MPQ-DM's pre-scaling). The maxima are those over all calibration pairs;
/// layers that read the same value share the ratios. What the network computes in float does not change.
/// </summary>
/// <param name="alpha">Which share of the difficulty the weights take over, 0 to 1; see <see cref="ChannelRatios.Smoothing"/>.</param>
/// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
public sealed class ChannelSmoothing(double alpha = 0.5) : IQuantizationPass
{
    private readonly double alpha = alpha is >= 0 and <= 1
        ? alpha
        : throw new ArgumentOutOfRangeException(nameof(alpha));

    /// <inheritdoc/>
    public string Name => "smooth channels";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        ChannelDivision.Run(state, Ratios, context);

    private float[] Ratios(ScaledInput input, IReadOnlyList<float[]> maxima) =>
        ChannelRatios.Smoothing(
            Largest(maxima),
            Largest([.. input.Readers.Select(r => ChannelScaling.Maxima(r.Layer, input.Channels))]),
            alpha
        );

    private static float[] Largest(IReadOnlyList<float[]> maxima)
    {
        float[] result = [.. maxima[0]];
        foreach (var other in maxima.Skip(1))
        {
            TensorPrimitives.Max(result, other, result);
        }

        return result;
    }
}
