using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// What efforts mean for methods that train the network as a whole. Thorough is what MPQ-DM's code does, 800 times 20
/// steps.
/// </summary>
internal static class FineTuningEffort
{
    private const int PaperIterations = 16_000;

    // With the square root of the number of steps saved, as for reconstruction: noise of gradients stays averaged.
    private const double MostRaise = 8;

    /// <summary>Settings with the steps and rates of a recipe's effort.</summary>
    public static FineTuningSettings Of(Recipe recipe, FineTuningSettings settings)
    {
        var iterations =
            recipe.Iterations
            ?? recipe.Effort switch
            {
                Effort.Quick => 200,
                Effort.Standard => 1500,
                _ => PaperIterations,
            };
        var raise = (float)Math.Clamp(Math.Sqrt((double)PaperIterations / iterations), 1, MostRaise);
        return settings with
        {
            Iterations = iterations,
            BatchSize = 8,
            LowRankRate = settings.LowRankRate * raise,
            WeightStepRate = settings.WeightStepRate * raise,
            ActivationStepRate = settings.ActivationStepRate,
            ZeroPointRate = settings.ZeroPointRate * raise,
        };
    }
}
