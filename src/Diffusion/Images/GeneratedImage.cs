namespace DiffusionQuant.Diffusion;

/// <summary>A picture that a model made.</summary>
/// <param name="index">Its index, which with the seed decides it.</param>
/// <param name="shape">C (1 or 3), H and W.</param>
/// <param name="pixels">C·H·W numbers, one channel after another, −1 black to 1 white.</param>
/// <param name="classLabel">Its class, where the model has classes.</param>
/// <exception cref="ArgumentException">The number of channels or of pixels does not fit.</exception>
public sealed class GeneratedImage(int index, SampleShape shape, float[] pixels, int? classLabel = null)
    : Picture(shape, pixels)
{
    /// <summary>The image's index.</summary>
    public int Index => index;

    /// <summary>Its class, where the model has classes.</summary>
    public int? ClassLabel => classLabel;

    /// <summary>What it was asked to show; null without a prompt.</summary>
    public string? Prompt { get; init; }

    internal GeneratedImage With(string prompt) => new(Index, Shape, Pixels, ClassLabel) { Prompt = prompt };
}
