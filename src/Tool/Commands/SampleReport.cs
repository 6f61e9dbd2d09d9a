namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>sample</c> says when it is done.</summary>
/// <param name="Model">The path that was given.</param>
/// <param name="Output">The picture.</param>
/// <param name="Count">How many images.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Sampler">The sampler.</param>
/// <param name="Steps">Sampling steps.</param>
/// <param name="Device">What computed.</param>
/// <param name="Channels">Channels of an image.</param>
/// <param name="Height">Pixels from top to bottom.</param>
/// <param name="Width">Pixels from left to right.</param>
/// <param name="Seconds">How long the sampling took, without loading.</param>
/// <param name="ImagesPerSecond">Its speed.</param>
internal sealed record SampleReport(
    string Model,
    string Output,
    int Count,
    long Seed,
    string Sampler,
    int Steps,
    string Device,
    int Channels,
    int Height,
    int Width,
    double Seconds,
    double ImagesPerSecond
);
