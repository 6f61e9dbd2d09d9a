using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>The sampling run that a recipe asks for.</summary>
internal static class CalibrationTrajectory
{
    /// <summary>Says what would keep it from being made, before anything long begins.</summary>
    public static void Check(DiffusionModel source, Recipe recipe) =>
        Trajectory.Check(source.Contract, source.Schedule, Settings(source.Contract, recipe));

    /// <summary>The settings, with all inputs that follow from others; the scale is 1 where one call is made a step.</summary>
    public static TrajectorySettings Settings(DenoiserContract contract, Recipe recipe)
    {
        var given = recipe.Conditioning is { } path ? ConditioningSet.Load(path) : ConditioningSet.Empty;
        return new()
        {
            Seed = unchecked((ulong)recipe.Seed),
            Sampler = recipe.ToSamplerSettings(),
            GuidanceScale = contract.TakesGuidance ? 1 : recipe.GuidanceScale,
            Conditioning = given.Completed(contract, recipe.GuidanceScale),
        };
    }
}
