namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// The search that BRECQ and its successors share: the range is shrunk 80 times by 1 %, and the one with the smallest
/// mean of <c>|x − x̂|^2.4</c> is kept.
/// </summary>
/// <param name="power">The error's exponent p.</param>
/// <param name="candidates">How often the range is shrunk by 1 %.</param>
public sealed class MseRange(double power = 2.4, int candidates = 80) : IRangeEstimator
{
    private const double Hair = 1e-6;

    /// <inheritdoc/>
    public string Name => "mse";

    /// <inheritdoc/>
    public UniformQuantizer Estimate(IDistribution values, int bits, Symmetry symmetry)
    {
        var best = default(UniformQuantizer);
        var least = double.PositiveInfinity;
        var (min, max) = values.Range;
        for (var i = 0; i < candidates; i++)
        {
            var factor = 1 - (0.01f * i);
            var quantizer = RangeCandidates.Quantizer(min * factor, max * factor, bits, symmetry);
            var error = values.Error(quantizer, power);
            // Of candidates that are as good to the last digits the widest is taken, on every processor.
            if (error < least * (1 - Hair))
            {
                (best, least) = (quantizer, error);
            }
        }

        return best;
    }
}
