using DiffusionQuant.Engine.Optimizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>How a quantized network is trained as a whole, whatever stands for its weights.</summary>
public abstract record NetworkTrainingSettings
{
    /// <summary>Gradient steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>Samples in a gradient step.</summary>
    public int BatchSize { get; init; } = 4;

    /// <summary>The rate of weights' step sizes, as a share of the step size at the beginning.</summary>
    public float WeightStepRate { get; init; } = 1e-4f;

    /// <summary>The rate of activations' step sizes, and of their factors by timestep, as a share of the step size.</summary>
    public float ActivationStepRate { get; init; } = 1e-4f;

    /// <summary>The rate of activations' zero points, in codes.</summary>
    public float ZeroPointRate { get; init; } = 5e-4f;

    /// <summary>How rates change over the steps.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Linear;

    /// <summary>What is compared besides the networks' outputs; null for nothing.</summary>
    public RelationDistillation? Relation { get; init; }

    /// <summary>How many batches make a step.</summary>
    internal virtual int BatchesPerStep => 1;

    /// <summary>Whether what is kept are the parameters' moving averages.</summary>
    internal virtual bool ReadsAverages => false;

    /// <summary>What stands for weights while training.</summary>
    /// <param name="seed">Of random choices.</param>
    internal abstract WeightTraining Weights(int seed);

    /// <summary>How a parameter of a rate is updated.</summary>
    internal virtual AdamSettings Adam(float rate) => new(rate) { Schedule = Schedule };

    /// <summary>How a step is done.</summary>
    /// <param name="observed">What it shows besides the loss.</param>
    internal virtual TrainingOptions Options(IReadOnlyList<string> observed) => new() { Observed = observed };

    /// <summary>The factor on the sum of squared errors of a batch of outputs; here it is one for each sample's sum.</summary>
    internal virtual float LossShare(long[] dims) => 1f / dims[0];

    /// <summary>The factor on the gradient of a step size that so many elements are rounded with.</summary>
    internal virtual float StepGradientScale(long elements, int maxCode) => 1;
}
