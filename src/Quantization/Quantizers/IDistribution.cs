namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Values with their counts, as range searches see them: a tensor's elements or a histogram's bins.</summary>
public interface IDistribution
{
    /// <summary>Where the range of all values begins and ends.</summary>
    (float Min, float Max) Range { get; }

    /// <summary>The weighted sum of <c>|x − x̂|^p</c> over all values.</summary>
    double Error(UniformQuantizer quantizer, double power);

    /// <summary>The weighted sum of <c>x²</c> over all values.</summary>
    double SumOfSquares { get; }

    /// <summary>The value under which the given share of all values lies.</summary>
    /// <param name="share">0 to 1.</param>
    float Quantile(double share);
}
