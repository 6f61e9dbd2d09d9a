namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>What a reconstruction learns, and how. The defaults are the constants of BRECQ's code (Li et al., ICLR 2021).</summary>
public sealed record ReconstructionSettings
{
    /// <summary>Gradient steps per block.</summary>
    public required int Iterations { get; init; }

    /// <summary>Pairs (x_t, t) in a gradient step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether weights' rounding is learned (AdaRound); otherwise weights stay as they are.</summary>
    public bool LearnsRounding { get; init; } = true;

    /// <summary>Whether activations are quantized inside the block and in what comes before it.</summary>
    public bool QuantizesActivations { get; init; } = true;

    /// <summary>Whether activations' step sizes are learned.</summary>
    public bool LearnsSteps { get; init; }

    /// <summary>QDrop's probability to keep an element in float, at the block's input and at quantizers inside it.</summary>
    public double DropProbability { get; init; }

    /// <summary>The exponent p of the error |ŷ − y|^p.</summary>
    public double LossPower { get; init; } = 2;

    /// <summary>Adam's rate for the roundings' variables α.</summary>
    public float RoundingRate { get; init; } = 1e-3f;

    /// <summary>λ, the weight of the term that drives roundings to 0 or 1.</summary>
    public float RegularizerWeight { get; init; } = 0.01f;

    /// <summary>The share of the steps in which that term is off.</summary>
    public double WarmUp { get; init; } = 0.2;

    /// <summary>The term's exponent β behind the warm-up; it falls along a line to <see cref="LastExponent"/>.</summary>
    public float FirstExponent { get; init; } = 20;

    /// <summary>The term's exponent β at the end.</summary>
    public float LastExponent { get; init; } = 2;

    /// <summary>
    /// Adam's rate for step sizes, as a share of the step size at the beginning; it falls along a cosine to 0. Published
    /// rates are absolute: QDrop's 4e-5 is this rate at a step of 0.016, the step of 8 bits over a range of 4.
    /// </summary>
    public float StepRate { get; init; } = 2.5e-3f;

    /// <summary>The regulariser's weight and exponent at a step (AdaRound, Nagel et al. 2020, equation 24).</summary>
    /// <param name="iteration">The step, from 0.</param>
    internal (float Weight, float Exponent) RegularizerAt(int iteration)
    {
        var start = WarmUp * Iterations;
        if (iteration < start)
        {
            return (0, FirstExponent);
        }

        var progress = (iteration - start) / Math.Max(Iterations - start, 1);
        return (RegularizerWeight, (float)(FirstExponent + ((LastExponent - FirstExponent) * progress)));
    }
}
