using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>How a network is trained from images: everything that decides the result besides the images.</summary>
/// <param name="Network">The network's size.</param>
/// <param name="Steps">How many gradient steps.</param>
public sealed record DenoiserTraining(DenoiserConfig Network, int Steps)
{
    /// <summary>T, as in Ho et al. 2020.</summary>
    public const int Timesteps = 1000;

    /// <summary>What messages call the network's size.</summary>
    public string NetworkName { get; init; } = "network";

    /// <summary>What the network's output means: noise or velocity.</summary>
    public PredictionType Prediction { get; init; } = PredictionType.Epsilon;

    /// <summary>The noise schedule.</summary>
    public BetaSchedule Schedule { get; init; } = BetaSchedule.Linear;

    /// <summary>Images of one run of the graph.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Over how many runs gradients are averaged before parameters change.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Whether values of the forward pass are computed again for the backward pass, which saves memory.</summary>
    public bool Recompute { get; init; }

    /// <summary>The learning rate; it rises over <see cref="WarmUp"/> steps and falls along half a cosine to a thousandth.</summary>
    public float LearningRate { get; init; } = 1e-3f;

    /// <summary>Steps over which the learning rate rises.</summary>
    public int WarmUp { get; init; } = 200;

    /// <summary>The longest gradient that passes unchanged; null for any.</summary>
    public float? Clip { get; init; } = 1;

    /// <summary>The decay of the moving average of parameters, which becomes the model; null for the last parameters themselves.</summary>
    public float? Average { get; init; } = 0.999f;

    /// <summary>Whether half of the images are mirrored left to right.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>The seed of weights, images, timesteps and noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>The scheduler's configuration, as samplers read it.</summary>
    internal SchedulerConfig Scheduler =>
        new()
        {
            TrainTimesteps = Timesteps,
            BetaSchedule = Schedule,
            Prediction = Prediction,
            ClipRange = 1,
            Variance = VarianceType.FixedLarge,
        };
}
