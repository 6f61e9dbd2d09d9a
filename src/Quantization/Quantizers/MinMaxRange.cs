namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>The whole range of the values: what ONNX Runtime's own static quantizer does by default.</summary>
public sealed class MinMaxRange : IRangeEstimator
{
    /// <inheritdoc/>
    public string Name => "minmax";

    /// <inheritdoc/>
    public UniformQuantizer Estimate(IDistribution values, int bits, Symmetry symmetry) =>
        RangeCandidates.Quantizer(values.Range.Min, values.Range.Max, bits, symmetry);
}
