using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>The sampling run that a recipe asks for.</summary>
internal static class CalibrationTrajectory
{
    public static TrajectorySettings Settings(Recipe recipe) =>
        new()
        {
            Seed = unchecked((ulong)recipe.Seed),
            Sampler = recipe.ToSamplerSettings(),
            GuidanceScale = recipe.GuidanceScale,
            Conditioning = recipe.Conditioning is { } path ? ConditioningSet.Load(path) : ConditioningSet.Empty,
        };
}
