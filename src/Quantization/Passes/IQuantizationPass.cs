using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// One step of a method: it takes the model, the plan and what calibration saw, and returns them improved. A method is a
/// list of passes.
/// </summary>
public interface IQuantizationPass
{
    /// <summary>What the pass does, in a few words, for progress and reports.</summary>
    string Name { get; }

    /// <summary>The pass's share of a method's time, relative to other passes; only progress estimates use it.</summary>
    double Weight { get; }

    /// <summary>Whether the pass has anything to do for a recipe; one that has not is left out.</summary>
    bool Applies(Recipe recipe) => true;

    /// <summary>Whether the pass samples the float model, and so needs all that a trajectory does.</summary>
    bool SamplesModel(Recipe recipe) => false;

    /// <summary>Runs the pass.</summary>
    /// <param name="state">What the passes before have made.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    QuantizationState Run(QuantizationState state, PassContext context);
}
