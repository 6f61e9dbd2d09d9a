using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// What efforts mean for methods that train the network as a whole. Thorough is what MPQ-DM's code does, 800 times 20
/// steps; the others take so few that a small model takes a minute or two, or half an hour, on two cores.
/// </summary>
internal static class FineTuningEffort
{
    private const int PaperIterations = 16_000;
    private const int StandardIterations = 800;
    private const int QuickIterations = 60;

    // Adam moves a parameter by its rate in a step, whatever the gradient: with fewer steps of higher rates it can go as
    // far. The bound was found by trial.
    private const float MostRaise = 30;

    /// <summary>Settings with the steps and rates of a recipe's effort.</summary>
    public static FineTuningSettings Of(Recipe recipe, FineTuningSettings settings)
    {
        var iterations =
            recipe.Iterations
            ?? recipe.Effort switch
            {
                Effort.Quick => QuickIterations,
                Effort.Standard => StandardIterations,
                _ => PaperIterations,
            };
        var raise = Math.Clamp((float)PaperIterations / iterations, 1, MostRaise);
        return settings with
        {
            Iterations = iterations,
            BatchSize = recipe.Effort == Effort.Quick ? 4 : 8,
            LowRankRate = settings.LowRankRate * raise,
            WeightStepRate = settings.WeightStepRate * raise,
            ActivationStepRate = settings.ActivationStepRate * raise,
            ZeroPointRate = settings.ZeroPointRate * raise,
        };
    }
}
