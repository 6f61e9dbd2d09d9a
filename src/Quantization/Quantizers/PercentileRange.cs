namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// The percentile search of RepQ-ViT (Li et al. 2023): of the ranges between the (1 − p) and the p quantile, the one
/// with the smallest squared error.
/// </summary>
/// <param name="percentiles">The candidates p; 0.999, 0.9999 and 0.99999 by default.</param>
public sealed class PercentileRange(params double[] percentiles) : IRangeEstimator
{
    private readonly double[] percentiles = percentiles.Length > 0 ? percentiles : [0.999, 0.9999, 0.99999];

    /// <inheritdoc/>
    public string Name => "percentile";

    /// <inheritdoc/>
    public UniformQuantizer Estimate(IDistribution values, int bits, Symmetry symmetry) =>
        percentiles
            .Select(p => RangeCandidates.Quantizer(values.Quantile(1 - p), values.Quantile(p), bits, symmetry))
            .MinBy(q => values.Error(q, 2));
}
