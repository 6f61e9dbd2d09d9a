namespace DiffusionQuant.Extensions.AI;

/// <summary>Marks of what may still change. What touches experimental types carries their own mark, so that nothing needs to be
/// suppressed here, and an app hears of it where it uses them.</summary>
internal static class Experiments
{
    /// <summary>That of Microsoft.Extensions.AI for image generation.</summary>
    public const string ImageGeneration = "MEAI001";
}
