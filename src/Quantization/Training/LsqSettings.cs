using DiffusionQuant.Engine.Optimizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// How a network is trained with its quantizers in it: weights, biases, steps and zero points together (LSQ, Esser et al.,
/// ICLR 2020; LSQ+, Bhalgat et al. 2020). The bound on the gradient is that of DDPM's training; the rates are ours, shares
/// of step sizes, since a weight must move by half a step before its code changes.
/// </summary>
public sealed record LsqSettings : NetworkTrainingSettings
{
    /// <summary>Makes settings whose rates of weights' steps are lower than elsewhere, since weights move themselves.</summary>
    public LsqSettings() => WeightStepRate = 5e-5f;

    /// <summary>The rate of weights and biases, as a share of the mean step size of the layer's weights.</summary>
    public float WeightRate { get; init; } = 5e-4f;

    /// <summary>The bound on the norm of all gradients together; null for none.</summary>
    public float? GradientClip { get; init; } = 1;

    /// <summary>The decay of the parameters' exponential moving average, which is what is kept; null takes them as they are
    /// at the end. Early steps decay faster: min(decay, (1 + step)/(10 + step)).</summary>
    public float? AverageDecay { get; init; } = 0.999f;

    /// <summary>Over which share of the steps rates rise from zero.</summary>
    public float WarmUp { get; init; } = 0.05f;

    /// <summary>How many batches are summed into one step.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Whether activations are computed again for the backward pass instead of being kept: a third more time, a
    /// fraction of the memory.</summary>
    public bool Recompute { get; init; }

    /// <summary>
    /// What the outputs are compared with: the float network's (NeM of Q-DM), or null for what the images' noise says, which
    /// needs training data.
    /// </summary>
    public NoiseEstimatingMimicking? Mimicking { get; init; } = new();

    /// <summary>The widths, descending, that are trained at before the wanted ones, each for a share of the steps
    /// (<see cref="StageShare"/>): the way to 2 bits is shorter from 3 than from floats.</summary>
    public IReadOnlyList<int> ProgressiveBits { get; init; } = [];

    /// <summary>The share of the steps of each width before the last.</summary>
    public float StageShare { get; init; } = 0.15f;

    /// <summary>After how many steps the quality on other pairs is measured again; the best network is kept.</summary>
    public int MeasureEvery { get; init; } = 100;

    /// <summary>Training stops when so many measurements in turn were no better than the best before.</summary>
    public int Patience { get; init; } = 5;

    /// <summary>The float weights that layers begin with, by name, where they were trained at a larger width.</summary>
    internal IReadOnlyDictionary<string, float[]> Starts { get; init; } = new Dictionary<string, float[]>();

    internal override int BatchesPerStep => Accumulation;

    internal override bool ReadsAverages => AverageDecay is not null;

    internal override WeightTraining Weights(int seed) => new FullWeights(this);

    internal override AdamSettings Adam(float rate) =>
        base.Adam(rate) with
        {
            WarmUp = (int)MathF.Ceiling(WarmUp * Iterations),
        };

    internal override TrainingOptions Options(IReadOnlyList<string> observed) =>
        new()
        {
            Observed = observed,
            GradientClip = GradientClip,
            AverageDecay = AverageDecay,
            Accumulation = Accumulation,
            Recomputation = Recompute ? Recomputation.Automatic : null,
        };

    /// <summary>The mean over all elements, as DDPM has it: the bound on gradients is meant for that.</summary>
    internal override float LossShare(long[] dims) => 1f / dims.Aggregate(1L, (a, b) => a * b);

    /// <summary>1/√(N·Qp) (Esser et al. 2020, section 2.2). Adam makes up for any constant factor; the bound on the
    /// gradients' norm does not.</summary>
    internal override float StepGradientScale(long elements, int maxCode) =>
        1 / MathF.Sqrt(Math.Max(elements, 1) * (float)maxCode);
}

/// <summary>
/// Noise-estimating mimicking (NeM of Q-DM, NeurIPS 2023): the quantized network's prediction is brought close to the float
/// network's at the same x_t and timestep, E‖ε_float(x_t, t) − ε_Q(x_t, t)‖².
/// </summary>
public sealed record NoiseEstimatingMimicking
{
    /// <summary>λ, the weight of this term beside the loss on data; null leaves that loss out, as without data.</summary>
    public float? Weight { get; init; }
}
