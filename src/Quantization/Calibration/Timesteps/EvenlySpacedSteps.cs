using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>
/// The same evenly spaced steps of every trajectory, the first among them (Q-Diffusion, Li et al. 2023, section 3.2): as few
/// trajectories as give each of these steps its share.
/// </summary>
internal sealed class EvenlySpacedSteps : ITimestepSchedule
{
    /// <summary>Q-Diffusion takes 20 steps of each trajectory, of Stable Diffusion's 25.</summary>
    private const int MostSteps = 25;

    /// <summary>Numbers of steps that are evenly spaced, the first among them.</summary>
    /// <param name="steps">How many steps there are.</param>
    /// <param name="wanted">How many are wanted; not more than there are.</param>
    public static int[] Of(int steps, int wanted) =>
        [.. Enumerable.Range(0, wanted).Select(i => (int)((long)i * steps / wanted))];

    /// <inheritdoc/>
    public CalibrationSchedule Make(IReadOnlyList<double> grid, int trainTimesteps, int pairs)
    {
        var kept = Of(grid.Count, Math.Min(Math.Min(MostSteps, grid.Count), pairs));
        return new([.. Enumerable.Repeat(kept, (pairs + kept.Length - 1) / kept.Length)]);
    }
}
