using System.Diagnostics.CodeAnalysis;
using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI;

/// <summary>Makes pipelines generators of Microsoft.Extensions.AI.</summary>
[Experimental(Experiments.ImageGeneration)]
public static class DiffusionPipelineExtensions
{
    /// <summary>A generator that makes its images with a pipeline, on this machine. Calls to one pipeline run one after
    /// another, whatever number of generators it has, each on a thread of the pool.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="ownsPipeline">Whether disposing of the generator disposes of the pipeline too, as soon as the call at work
    /// has stopped.</param>
    /// <param name="options">The model's name and what holds where a request says nothing.</param>
    /// <example><code>
    /// using var generator = DiffusionPipeline.Load("Models/sd-clothes").AsImageGenerator(ownsPipeline: true);
    /// var response = await generator.GenerateImagesAsync("a red sneaker", new ImageGenerationOptions().WithSeed(1));
    /// await response.Contents.OfType&lt;DataContent&gt;().First().SaveToAsync("sneaker.png");
    /// </code></example>
    public static IImageGenerator AsImageGenerator(
        this DiffusionPipeline pipeline,
        bool ownsPipeline = false,
        DiffusionImageGeneratorOptions? options = null
    )
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return DiffusionImageGenerator.Of(pipeline, ownsPipeline, options ?? new());
    }
}
