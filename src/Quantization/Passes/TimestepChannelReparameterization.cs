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
/// <param name="balanced">Whether weaker ratios are taken where they leave a smaller predicted error in what the layers
/// give: the paper's make all channels of an input alike, whatever that costs the weights.</param>
public sealed class TimestepChannelReparameterization(double share = 0, bool balanced = false) : IQuantizationPass
{
    /// <summary>R_tru: at 4 bits weights have no room for what 8-bit activations do not need.</summary>
    private const double Truncation = 3;

    // The weaker ratios that balancing chooses from.
    private static readonly double[] Powers = [0, 0.25, 0.5, 0.75];
    private static readonly float[] Bounds = [1.5f, 2, 3, 5];

    /// <inheritdoc/>
    public string Name => "reparameterize channels";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context) =>
        ChannelDivision.Run(state, Ratios, context);

    private float[] Ratios(ScaledInput input, IReadOnlyList<float[]> maxima)
    {
        var joint = ChannelRatios.Joint(maxima, Most(input), share);
        return balanced ? Weaker(joint).Prepend(joint).MinBy(r => PredictedRounding.Error(input, maxima, r))! : joint;
    }

    private static IEnumerable<float[]> Weaker(float[] ratios) =>
        Powers
            .Select(p => ratios.Select(r => (float)Math.Pow(r, p)).ToArray())
            .Concat(Bounds.Select(b => ratios.Select(r => Math.Min(r, b)).ToArray()));

    private static double Most(ScaledInput input) =>
        input.Readers.Min(r => r.Plan.WeightBits) <= 4 && input.Point.Bits >= 8 ? Truncation : double.PositiveInfinity;
}
