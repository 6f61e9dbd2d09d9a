using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI;

/// <summary>Sets what is known of diffusion models and not of all image generators (<see cref="DiffusionImageProperties"/>). Other
/// generators ignore it. Each gives the options back.</summary>
public static class DiffusionImageOptionsExtensions
{
    /// <summary>Sets the seed: the same one gives the same pictures.</summary>
    /// <param name="options">The options.</param>
    /// <param name="seed">The seed.</param>
    public static ImageGenerationOptions WithSeed(this ImageGenerationOptions options, ulong seed) =>
        options.With(DiffusionImageProperties.Seed, JsonSafe.Of(seed));

    /// <summary>Sets the number of sampling steps.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">The number.</param>
    public static ImageGenerationOptions WithSteps(this ImageGenerationOptions options, int steps) =>
        options.With(DiffusionImageProperties.Steps, steps);

    /// <summary>Sets the scale of classifier-free guidance.</summary>
    /// <param name="options">The options.</param>
    /// <param name="scale">The scale, 1 for none.</param>
    public static ImageGenerationOptions WithGuidanceScale(this ImageGenerationOptions options, double scale) =>
        options.With(DiffusionImageProperties.GuidanceScale, scale);

    /// <summary>Says what pictures should not show.</summary>
    /// <param name="options">The options.</param>
    /// <param name="prompt">What they should not show.</param>
    public static ImageGenerationOptions WithNegativePrompt(this ImageGenerationOptions options, string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return options.With(DiffusionImageProperties.NegativePrompt, prompt);
    }

    /// <summary>Sets how much of an original image is changed.</summary>
    /// <param name="options">The options.</param>
    /// <param name="strength">Above 0, and at most 1.</param>
    public static ImageGenerationOptions WithStrength(this ImageGenerationOptions options, double strength) =>
        options.With(DiffusionImageProperties.Strength, strength);

    /// <summary>Sets the sampler.</summary>
    /// <param name="options">The options.</param>
    /// <param name="sampler">The sampler.</param>
    public static ImageGenerationOptions WithSampler(this ImageGenerationOptions options, SolverKind sampler)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        return options.With(DiffusionImageProperties.Sampler, sampler.Name);
    }

    /// <summary>Says who is told how far the generation is.</summary>
    /// <param name="options">The options.</param>
    /// <param name="progress">Told after every call of the network, on the thread that works.</param>
    public static ImageGenerationOptions WithProgress(
        this ImageGenerationOptions options,
        IProgress<GenerationProgress> progress
    )
    {
        ArgumentNullException.ThrowIfNull(progress);
        return options.With(DiffusionImageProperties.Progress, progress);
    }

    /// <summary>Says who is told of what is no fault of this request, such as a prompt that was cut; without it, who the
    /// generator's options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="warn">Told on the thread that works.</param>
    public static ImageGenerationOptions WithWarnings(
        this ImageGenerationOptions options,
        Action<DiffusionQuantException> warn
    )
    {
        ArgumentNullException.ThrowIfNull(warn);
        return options.With(DiffusionImageProperties.Warnings, warn);
    }

    /// <summary>The seed that made a picture of a response; null for a picture of another generator.</summary>
    /// <param name="picture">The picture.</param>
    public static ulong? GetSeed(this AIContent picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return PropertyReader.TryRead<ulong>(picture.AdditionalProperties, DiffusionImageProperties.Seed);
    }

    private static ImageGenerationOptions With(this ImageGenerationOptions options, string name, object value)
    {
        ArgumentNullException.ThrowIfNull(options);
        (options.AdditionalProperties ??= [])[name] = value;
        return options;
    }
}
