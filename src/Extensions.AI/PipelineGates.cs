using System.Runtime.CompilerServices;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Extensions.AI;

/// <summary>Lets calls to one pipeline pass one after another, also where several generators have it: its text encoders come
/// and go with the prompts, and two runs at a time would share the cores anyway.</summary>
internal static class PipelineGates
{
    private static readonly ConditionalWeakTable<DiffusionPipeline, SemaphoreSlim> Gates = [];

    public static SemaphoreSlim Make() => new(1, 1);

    /// <summary>A pipeline's gate.</summary>
    public static SemaphoreSlim Of(DiffusionPipeline pipeline) => Gates.GetValue(pipeline, _ => Make());

    /// <summary>Gives a pipeline that was just loaded the gate behind which it was.</summary>
    public static void Set(DiffusionPipeline pipeline, SemaphoreSlim gate) => Gates.AddOrUpdate(pipeline, gate);
}
