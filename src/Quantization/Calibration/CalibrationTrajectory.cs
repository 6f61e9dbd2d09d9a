using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>The sampling run that a recipe asks for.</summary>
internal static class CalibrationTrajectory
{
    /// <summary>The settings, with all inputs that follow from others; the scale is 1 where one call is made a step.</summary>
    /// <param name="source">The model, with its text encoders where the recipe names prompts.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="warn">Told of prompts that are cut.</param>
    /// <param name="cancellation">Stops the encoding of prompts.</param>
    public static TrajectorySettings Settings(
        DiffusionModel source,
        Recipe recipe,
        Action<DiffusionQuantException>? warn = null,
        CancellationToken cancellation = default
    )
    {
        var scale = recipe.GuidanceScaleFor(source);
        var given = recipe.Conditioning is { } path ? ConditioningSet.Load(path) : ConditioningSet.Empty;
        if (recipe.Prompts is { } prompts)
        {
            var session = new SessionSettings { Device = Device.Parse(recipe.Device), Threads = recipe.Threads };
            given = PromptEncoder.EncodeFile(
                source,
                prompts,
                scale,
                given,
                new() { Session = session },
                warn,
                cancellation
            );
        }

        return new()
        {
            Seed = unchecked((ulong)recipe.Seed),
            Sampler = recipe.ToSamplerSettings(),
            GuidanceScale = source.Contract.TakesGuidance ? 1 : scale,
            Conditioning = given.Completed(source.Contract, scale),
        };
    }
}
