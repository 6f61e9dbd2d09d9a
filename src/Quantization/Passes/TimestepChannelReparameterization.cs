using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Divides the channels of layers' inputs by ratios, and multiplies the weights by them, so that the channels' ranges are
/// alike at all timesteps and one step size serves them all: TCR of TCAQ-DM (Huang et al., AAAI 2025). What the network
/// computes in float does not change. The division folds into an affine normalization before it where there is one and
/// nothing between; elsewhere it is a multiplication before the values are rounded.
/// </summary>
/// <param name="share">See <see cref="ChannelRatios.Joint"/>: 0 for the paper's minimum.</param>
public sealed class TimestepChannelReparameterization(double share = 0) : IQuantizationPass
{
    /// <summary>R_tru: at 4 bits weights have no room for what 8-bit activations do not need.</summary>
    private const double Truncation = 3;

    /// <inheritdoc/>
    public string Name => "reparameterize channels";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        ChannelDivision.Run(state, (input, maxima) => ChannelRatios.Joint(maxima, Most(input), share), context);

    private static double Most(ScaledInput input) =>
        input.Readers.Min(r => r.Plan.WeightBits) <= 4 && input.Point.Bits >= 8 ? Truncation : double.PositiveInfinity;
}
