using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Calibration.Timesteps;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>Of which trajectories, and at which of their steps, pairs (x_t, t) are kept.</summary>
/// <param name="Kept">For each image, by its index: the numbers of its sampling steps, rising, each once.</param>
public sealed record CalibrationSchedule(IReadOnlyList<IReadOnlyList<int>> Kept)
{
    /// <summary>The number of trajectories.</summary>
    public int Images => Kept.Count;

    /// <summary>The number of pairs.</summary>
    public int Count => Kept.Sum(steps => steps.Count);

    /// <summary>Where a sampler's steps stand between 0 and T − 1, of which laws draw: their timesteps, but on a path whose
    /// timesteps are ln(σ)/4 evenly spread places.</summary>
    internal static IReadOnlyList<double> PlacesOf(NoisePath path, IReadOnlyList<double> timesteps) =>
        path is EdmPath
            ?
            [
                .. timesteps.Select(
                    (_, i) => (path.TrainTimesteps - 1) * (1 - (i / Math.Max(timesteps.Count - 1.0, 1)))
                ),
            ]
            : timesteps;

    /// <summary>The schedule that a recipe, or else its method, asks for.</summary>
    /// <param name="recipe">Law, its parameters, seed.</param>
    /// <param name="grid">The sampler's timesteps.</param>
    /// <param name="trainTimesteps">T.</param>
    /// <param name="pairs">The wanted number of pairs; evenly spaced steps round it up to whole trajectories.</param>
    public static CalibrationSchedule Of(Recipe recipe, IReadOnlyList<double> grid, int trainTimesteps, int pairs) =>
        TimestepSchedules.Of(recipe, MethodChoices.TimestepLawOf(recipe)).Make(grid, trainTimesteps, pairs);
}
