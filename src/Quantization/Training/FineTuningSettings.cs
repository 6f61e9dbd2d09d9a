namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// How a network is fine-tuned without data. Rank, and the rates of low-rank factors and of weights' steps, are the constants
/// of EfficientDM's code (He et al., ICLR 2024), the latter relative to a step size of 0.01; the rates of activations are
/// ours, and lower than the code's.
/// </summary>
public sealed record FineTuningSettings : NetworkTrainingSettings
{
    /// <summary>r, the rank of the changes to weights, W + B·A.</summary>
    public int Rank { get; init; } = 32;

    /// <summary>What the factors A and B begin with.</summary>
    public LowRankStart Start { get; init; } = LowRankStart.Random;

    /// <summary>
    /// The rate of A and B, as a share of the mean step size of the layer's weights: a layer with large steps must move
    /// further (the scale-aware optimiser of EfficientDM, whose code has 1/2500).
    /// </summary>
    public float LowRankRate { get; init; } = 1f / 2500;

    /// <summary>The decoupled weight decay of A and B.</summary>
    public float WeightDecay { get; init; } = 0.01f;

    internal override WeightTraining Weights(int seed) => new LowRankWeights(this, seed);
}

/// <summary>What low-rank factors begin with.</summary>
public enum LowRankStart
{
    /// <summary>A is drawn (Kaiming's uniform law), B is zero: training starts from the quantized weights as they are.</summary>
    Random,

    /// <summary>B·A is the best approximation of W − Q(W) of that rank, from its singular vectors.</summary>
    QuantizationError,
}
