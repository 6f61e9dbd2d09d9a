namespace DiffusionQuant.Diffusion;

/// <summary>How images are generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>DDIM with η = 0, 16 images at a time.</summary>
    public static GenerationOptions Default { get; } = new();

    /// <summary>The sampler and its timesteps.</summary>
    public SamplerSettings Sampler { get; init; } = SamplerSettings.Default;

    /// <summary>How many images are denoised at a time; it changes speed and memory, not the images.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>The index of the first image.</summary>
    public int FirstImage { get; init; }

    /// <summary>Labels in place of drawn ones: image k takes entry k modulo their number.</summary>
    public IReadOnlyList<int>? ClassLabels { get; init; }

    /// <summary>The scale of guidance, 1 for none; null for none without a prompt, and with one for what the model's family
    /// usually takes.</summary>
    public double? GuidanceScale { get; init; }

    /// <summary>What pictures should not show; null for nothing.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Skipped layers, lengths and sizes of text encoders.</summary>
    public PromptOptions Prompts { get; init; } = PromptOptions.Default;

    /// <summary>Height and width of the pictures in pixels; null for the size that the model's files name. The graph must leave
    /// it open, and a network that was trained on one size draws others less well.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>φ of guidance's rescaling, 0 (none) to 1 (<see cref="TrajectorySettings.GuidanceRescale"/>).</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>A picture to start from, of the size that is made; null for noise alone.</summary>
    public Picture? Image { get; init; }

    /// <summary>How much of <see cref="Image"/> is changed: the share of the steps that are taken, above 0 and at most 1.</summary>
    public double Strength { get; init; } = 0.8;

    /// <summary>Where <see cref="Image"/> is made anew: white there, black where it stays; null for everywhere.</summary>
    public Picture? Mask { get; init; }

    /// <summary>Values for inputs that cannot be made up (text states ...).</summary>
    public ConditioningSet Conditioning { get; init; } = ConditioningSet.Empty;
}
