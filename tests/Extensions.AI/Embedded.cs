using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Extensions.AI.Tests;

/// <summary>A model of which can be seen whether its pipeline was disposed of: its files are unpacked for as long.</summary>
internal static class Embedded
{
    public static DiffusionPipeline Load() =>
        DiffusionPipeline.LoadEmbedded(typeof(Embedded).Assembly, "Models/ddpm-fashion");

    public static bool IsLoaded(DiffusionPipeline pipeline) => File.Exists(pipeline.Contract.Path);
}
