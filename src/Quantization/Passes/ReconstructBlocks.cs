using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Tunes the network block by block, in the order in which they compute: each block's output behind the quantized network
/// before it is brought close to the float network's (BRECQ, Li et al., ICLR 2021). What is learned, roundings of weights
/// (AdaRound), step sizes of activations, or both, and whether elements are left in float at random (QDrop), is in the
/// settings.
/// </summary>
/// <param name="name">What the pass is called in reports.</param>
/// <param name="settings">The settings for a recipe.</param>
/// <param name="kinds">Which blocks; all by default.</param>
public sealed class ReconstructBlocks(
    string name,
    Func<Recipe, ReconstructionSettings> settings,
    Predicate<BlockKind>? kinds = null
) : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Weight => 1000;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => settings(recipe).Iterations > 0;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var chosen = settings(state.Recipe);
        var grid = state.Recipe.ToSamplerSettings().CreateSolver(state.Source.Schedule).Timesteps;
        ReconstructionUnit[] units =
        [
            .. BlockTags
                .Read(state.Graph.Graph, state.Plan.Layers.Select(l => l.Layer))
                .Where(u => (kinds is null || kinds(u.Kind)) && IsTuned(u, state.Plan)),
        ];
        var checkpoints = new UnitCheckpoints(context.WorkFolder, name);
        context.Note($"{name}: {ReconstructionCost.Measure(state, units, chosen, context)}");
        var learned = new HashSet<ActivationPoint>();
        for (var i = 0; i < units.Length; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var result = checkpoints.Find(i, state.Plan);
            if (result is null)
            {
                var rows = UnitRows.Of(units[i].Kind, state.Samples!, [.. grid]);
                using var data = UnitData.Collect(state, units[i], rows, chosen, context);
                var done = i;
                result = new UnitTrainer(state, chosen, context).Run(
                    units[i],
                    i,
                    data,
                    learned,
                    step =>
                        context.Progress(
                            (done + ((double)step / chosen.Iterations)) / units.Length,
                            $"{units[done].Name}, {done + 1} of {units.Length}"
                        )
                );
                checkpoints.Save(i, result);
            }

            learned.UnionWith(result.Activations.Keys);
            if (result.Improves)
            {
                state = state with { Plan = result.ApplyTo(state.Plan) };
            }
        }

        return state;
    }

    private static bool IsTuned(ReconstructionUnit unit, QuantizationPlan plan) =>
        plan.Layers.Any(l => l.Mode != LayerMode.Float && unit.Layers.Contains(l.Layer));
}
