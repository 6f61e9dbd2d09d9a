using DiffusionQuant.Extensions.AI;
using Microsoft.Extensions.AI;

namespace TextToImage.Web;

/// <summary>What the page asks for.</summary>
internal sealed record PictureRequest(string? Prompt, int? Count, ulong? Seed, int? Steps)
{
    public const int MostPictures = 16;

    /// <summary>What is wrong with it that the library would not mind; null for nothing.</summary>
    public string? Fault =>
        string.IsNullOrWhiteSpace(Prompt) ? Drawing.EmptyPrompt
        : Count > MostPictures ? $"At most {MostPictures} pictures are drawn at a time."
        : null;

    public ImageGenerationOptions ToOptions()
    {
        var options = new ImageGenerationOptions { Count = Count };
        if (Seed is { } seed)
        {
            options.WithSeed(seed);
        }

        return Steps is { } steps ? options.WithSteps(steps) : options;
    }
}
