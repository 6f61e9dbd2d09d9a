using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// What efforts mean for quantization-aware training. Thorough is DDPM's batch for as many steps as a float checkpoint needs
/// to come down to 4 bits, days on a processor; the others take so few that a small model takes some minutes, or most of an
/// hour, on two cores, each step of a higher rate.
/// </summary>
internal static class TrainingEffort
{
    private const int ThoroughIterations = 50_000;
    private const int StandardIterations = 1500;
    private const int QuickIterations = 200;

    // Adam moves a parameter by its rate in a step, whatever the gradient. With the square root of the number of steps saved
    // parameters still go far enough, and the noise of few samples stays averaged; found by trial at 120 steps.
    private const double MostRaise = 20;

    /// <summary>The width from which on the wanted bits are reached by way of larger ones.</summary>
    private const int MostProgressiveBits = 3;

    /// <summary>Settings with the steps and rates of a recipe's effort.</summary>
    public static LsqSettings Of(Recipe recipe, LsqSettings settings)
    {
        var iterations =
            recipe.Iterations
            ?? recipe.Effort switch
            {
                Effort.Quick => QuickIterations,
                Effort.Standard => StandardIterations,
                _ => ThoroughIterations,
            };
        var raise = (float)Math.Clamp(Math.Sqrt((double)ThoroughIterations / iterations), 1, MostRaise);
        return settings with
        {
            Iterations = iterations,
            WeightRate = settings.WeightRate * raise,
            WeightStepRate = settings.WeightStepRate * raise,
            ActivationStepRate = settings.ActivationStepRate * raise,
            ZeroPointRate = settings.ZeroPointRate * raise,
            Schedule = LearningRateSchedule.Cosine,
            BatchSize = recipe.Effort == Effort.Quick ? 4 : 8,
            Accumulation = recipe.Effort == Effort.Thorough ? 16 : 1,
            MeasureEvery = Math.Max(iterations / 15, 20),
            ProgressiveBits = recipe.Bits.WeightBits <= MostProgressiveBits ? [8, 4, 3] : [],
        };
    }
}
