using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Extensions.AI;

/// <summary>How a generator loads its model, and what holds where a request says nothing.</summary>
public sealed class DiffusionImageGeneratorOptions
{
    /// <summary>The model's name in the metadata, which a request's <c>ModelId</c> must be where it has one; null for the name of
    /// the model's folder, which for a model that is embedded in an assembly is a temporary one.</summary>
    public string? ModelId { get; set; }

    /// <summary>Device, threads, and whether text encoders stay loaded; for pipelines that are loaded from a path.</summary>
    public PipelineOptions Pipeline { get; set; } = PipelineOptions.Default;

    /// <summary>Sampler, guidance and the like, where a request does not say otherwise.</summary>
    public GenerationOptions Generation { get; set; } = GenerationOptions.Default;

    /// <summary>Told of what is no fault, such as prompts that were cut (<see cref="DiffusionPipeline.Warn"/>).</summary>
    public Action<DiffusionQuantException>? Warn { get; set; }
}
