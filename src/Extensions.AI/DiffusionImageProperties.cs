namespace DiffusionQuant.Extensions.AI;

/// <summary>
/// Names of what the generators read of <c>ImageGenerationOptions.AdditionalProperties</c> and write into that of each picture.
/// Numbers may be of any type, or text, as they come out of JSON.
/// </summary>
public static class DiffusionImageProperties
{
    /// <summary>The seed, a whole number from 0; a random one where it is missing. Each picture has the one that made it.</summary>
    public const string Seed = "seed";

    /// <summary>The number of sampling steps.</summary>
    public const string Steps = "steps";

    /// <summary>The scale of classifier-free guidance, 1 for none.</summary>
    public const string GuidanceScale = "guidance_scale";

    /// <summary>What pictures should not show.</summary>
    public const string NegativePrompt = "negative_prompt";

    /// <summary>How much of an original image is changed, above 0 and at most 1.</summary>
    public const string Strength = "strength";

    /// <summary>The sampler's word, as in <c>euler-ancestral</c>, or a <see cref="Diffusion.SolverKind"/>.</summary>
    public const string Sampler = "sampler";

    /// <summary>An <see cref="IProgress{T}"/> of <see cref="Diffusion.GenerationProgress"/>, told after every call of the network, on the
    /// thread that works.</summary>
    public const string Progress = "progress";

    /// <summary>An <see cref="Action{T}"/> of <see cref="Onnx.Diagnostics.DiffusionQuantException"/>, told of what is no fault, on
    /// the thread that works.</summary>
    public const string Warnings = "warnings";

    /// <summary>Of a picture: its number among those of its seed, from 0. It and the seed decide the picture.</summary>
    public const string Index = "index";
}
