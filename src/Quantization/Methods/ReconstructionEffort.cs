using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// What efforts mean for methods with reconstruction. Thorough is what the papers' code does: 20 000 steps of 32 samples for
/// roundings, a quarter as many for step sizes. Standard takes so few steps that a small model takes minutes on two cores,
/// each so much longer that variables can still go their whole way. Quick takes none: weights are rounded by GPTQ.
/// </summary>
internal static class ReconstructionEffort
{
    private const int PaperIterations = 20_000;
    private const int StandardIterations = 300;

    // Adam moves a variable by its rate in a step, whatever the gradient. With the square root of the number of steps
    // saved, 300 steps of 8 times the rate reach what roundings need (α goes about 2), and noise stays averaged.
    private const double MostRaise = 10;

    // Steps are learned around a value that a search found; beyond this they jump over it.
    private const double MostStepRaise = 4;

    /// <summary>Whether a recipe allows gradient steps.</summary>
    public static bool HasGradients(Recipe recipe) => recipe.Effort != Effort.Quick || recipe.Iterations is not null;

    /// <summary>How many pairs (x_t, t) an effort calibrates on.</summary>
    public static Func<Effort, int> Samples(int thorough) =>
        effort =>
            effort switch
            {
                Effort.Quick => 128,
                Effort.Standard => 256,
                _ => thorough,
            };

    /// <summary>Settings with the steps and rates of a recipe's effort.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="settings">All else.</param>
    /// <param name="share">The share of the steps that this reconstruction takes of the papers' 20 000.</param>
    public static ReconstructionSettings Of(Recipe recipe, ReconstructionSettings settings, double share = 1)
    {
        var whole =
            recipe.Iterations
            ?? recipe.Effort switch
            {
                Effort.Quick => 0,
                Effort.Standard => StandardIterations,
                _ => PaperIterations,
            };
        var raise = whole == 0 ? 1 : Math.Max(Math.Sqrt((double)PaperIterations / whole), 1);
        return settings with
        {
            Iterations = whole == 0 ? 0 : Math.Max((int)(whole * share), 1),
            BatchSize = recipe.Effort == Effort.Thorough ? 32 : 16,
            RoundingRate = settings.RoundingRate * (float)Math.Min(raise, MostRaise),
            StepRate = settings.StepRate * (float)Math.Min(raise, MostStepRaise),
        };
    }
}
