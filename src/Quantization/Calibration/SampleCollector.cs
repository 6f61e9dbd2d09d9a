using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>Makes the set of calibration that a recipe asks for.</summary>
internal static class SampleCollector
{
    /// <summary>Of how many pairs for each wanted one the representative are chosen.</summary>
    private const int Choice = 2;

    public static CalibrationSet Run(QuantizationState state, PassContext context)
    {
        var recipe = state.Recipe;
        var wanted = MethodChoices.SamplesOf(recipe);
        if (recipe.SampleSelection == SampleSelection.All)
        {
            return Follow(state, wanted, context);
        }

        // Sampling takes the most of the time; features cost one call of the network for each pair.
        const double Sampling = 0.8;
        using var all = Follow(state, Choice * wanted, Part(context, 0, Sampling));
        var features = MidFeatures.Of(state, all, Part(context, Sampling, 1));
        return all.Take(RepresentativeSamples.Select(features, wanted), context.Memory);
    }

    /// <summary>A context whose progress is a part of another's.</summary>
    public static PassContext Part(PassContext context, double from, double to) =>
        context with
        {
            Progress = (fraction, detail) => context.Progress(from + ((to - from) * fraction), detail),
        };

    private static CalibrationSet Follow(QuantizationState state, int pairs, PassContext context)
    {
        var settings = state.Trajectory;
        using var session = ModelSession.Load(state.Graph, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var trajectory = new Trajectory(denoiser, state.Source.Schedule, settings);
        var schedule = CalibrationSchedule.Of(
            state.Recipe,
            CalibrationSchedule.PlacesOf(state.Source.Schedule, trajectory.Solver.Timesteps),
            state.Source.Schedule.TrainTimesteps,
            pairs
        );
        return CalibrationSet.Follow(
            trajectory,
            state.Source.Contract,
            trajectory.Settings,
            schedule,
            state.Recipe.CalibrationBatch,
            context
        );
    }
}
