using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>The sampling run that a recipe asks for.</summary>
internal static class CalibrationTrajectory
{
    /// <summary>Says what would keep it from being made, before anything long begins.</summary>
    public static void Check(DiffusionModel source, Recipe recipe) =>
        Trajectory.Check(source.Contract, source.Schedule, Settings(recipe));

    public static TrajectorySettings Settings(Recipe recipe) =>
        new()
        {
            Seed = unchecked((ulong)recipe.Seed),
            Sampler = recipe.ToSamplerSettings(),
            GuidanceScale = recipe.GuidanceScale,
            Conditioning = recipe.Conditioning is { } path ? ConditioningSet.Load(path) : ConditioningSet.Empty,
        };
}
