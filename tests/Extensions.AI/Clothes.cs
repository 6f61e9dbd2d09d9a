using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI.Tests;

/// <summary>One text-to-image pipeline and its generator for the tests of a class.</summary>
public sealed class Clothes : IDisposable
{
    public const string Prompt = "a red sneaker on a yellow background";

    public Clothes()
    {
        Pipeline = DiffusionPipeline.Load(Repository.Clothes);
        Generator = Pipeline.AsImageGenerator(ownsPipeline: true);
    }

    public DiffusionPipeline Pipeline { get; }

    public IImageGenerator Generator { get; }

    /// <summary>Options with few steps.</summary>
    public static ImageGenerationOptions Quick => new ImageGenerationOptions().WithSteps(2).WithSeed(7);

    /// <summary>The file that the pipeline itself makes of a picture.</summary>
    public static byte[] PngOf(Picture picture) =>
        PngWriter.Encode(picture.ToBytes(), picture.Width, picture.Height, picture.Channels);

    public void Dispose() => Generator.Dispose();
}
