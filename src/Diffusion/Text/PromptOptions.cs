namespace DiffusionQuant.Diffusion;

/// <summary>What is said beside a prompt.</summary>
public sealed record PromptOptions
{
    /// <summary>What a model's own pipeline does.</summary>
    public static PromptOptions Default { get; } = new();

    /// <summary>How many of CLIP's last layers are left out, besides those that the family leaves out anyway.</summary>
    public int ClipSkip { get; init; }

    /// <summary>How many tokens T5 is given, if not as many as the model's family does or its graphs fix.</summary>
    public int? TextLength { get; init; }

    /// <summary>Whether the values of the unconditional call are made too, which classifier-free guidance needs.</summary>
    public bool Unconditional { get; init; } = true;

    /// <summary>Height and width of the picture in pixels, for models that take them; by default eight times those of a
    /// sample in latents.</summary>
    public (int Height, int Width)? ImageSize { get; init; }

    /// <summary>SDXL: height and width before the picture was scaled; by default <see cref="ImageSize"/>.</summary>
    public (int Height, int Width)? OriginalSize { get; init; }

    /// <summary>SDXL: where the picture was cut out.</summary>
    public (int Top, int Left) Crop { get; init; }

    /// <summary>SDXL's refiner: the score of beauty that is asked for.</summary>
    public double AestheticScore { get; init; } = 6;

    /// <summary>SDXL's refiner: that of the unconditional call.</summary>
    public double NegativeAestheticScore { get; init; } = 2.5;
}
