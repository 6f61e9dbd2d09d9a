namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Chooses a quantizer's range from the values that it will see.</summary>
public interface IRangeEstimator
{
    /// <summary>The estimator's name in reports.</summary>
    string Name { get; }

    /// <summary>The best quantizer for the values.</summary>
    /// <param name="values">What will be quantized.</param>
    /// <param name="bits">The code's width.</param>
    /// <param name="symmetry">Which zero points are allowed.</param>
    UniformQuantizer Estimate(IDistribution values, int bits, Symmetry symmetry);
}

/// <summary>Which zero points a quantizer may have.</summary>
public enum Symmetry
{
    /// <summary>Any zero point.</summary>
    Asymmetric,

    /// <summary>The middle code.</summary>
    Symmetric,

    /// <summary>Zero: for values that are never negative, softmax's output for instance.</summary>
    ZeroBased,
}
