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

    /// <summary>The scale of classifier-free guidance; 1 for none.</summary>
    public double GuidanceScale { get; init; } = 1;

    /// <summary>Values for inputs that cannot be made up (text states ...).</summary>
    public ConditioningSet Conditioning { get; init; } = ConditioningSet.Empty;
}
