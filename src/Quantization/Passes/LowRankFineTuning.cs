using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Fine-tunes the whole network without data: Ŵ = Q(W + B·A) with low-rank B·A that merges into the codes, learned steps of
/// weights, learned steps and zero points of activations, the former by timestep where the graph has factors for that, so
/// that the quantized network predicts what the float network predicts on the float network's own trajectories (EfficientDM,
/// He et al., ICLR 2024; the base of MPQ-DM).
/// </summary>
/// <param name="settings">What is learned, and how, for a recipe.</param>
public sealed class LowRankFineTuning(Func<Recipe, FineTuningSettings> settings) : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "fine-tune";

    /// <inheritdoc/>
    public double Weight => 3000;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => settings(recipe).Iterations > 0;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var quality = new OutputQuality(state, context);
        var trained = new NetworkTrainer(state, settings(state.Recipe), Name, context).Run();
        var next = trained.ApplyTo(state);
        return quality.Better(Name, state, next);
    }
}
