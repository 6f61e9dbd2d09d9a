using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>What the laws that draw timesteps have in common.</summary>
internal static class DrawnSteps
{
    /// <summary>Pairs of one trajectory: with a trajectory for each pair, sampling would cost more than all the rest.</summary>
    private const int MostOfImage = 8;

    /// <summary>
    /// Deals drawn steps to as few trajectories as take at most eight of them each, and none twice: two pairs of one
    /// trajectory at one step would be one and the same. The steps are dealt as they were drawn, so their law stays exact.
    /// </summary>
    /// <param name="drawn">The numbers of the sampler's steps, one for each pair.</param>
    public static CalibrationSchedule Deal(IReadOnlyCollection<int> drawn)
    {
        var most = drawn.GroupBy(step => step).Max(group => group.Count());
        var images = Math.Max((drawn.Count + MostOfImage - 1) / MostOfImage, most);
        var kept = Enumerable.Range(0, images).Select(_ => new List<int>()).ToArray();
        // In rising order equal steps are neighbours, and neighbours go to different images.
        foreach (var (position, step) in drawn.Order().Index())
        {
            kept[position % images].Add(step);
        }

        return new(kept);
    }

    /// <summary>For each timestep from 0 to T − 1 the number of the sampler's step that is nearest to it; of two as near the
    /// earlier in sampling.</summary>
    public static int[] Nearest(IReadOnlyList<double> grid, int trainTimesteps)
    {
        var result = new int[trainTimesteps];
        for (var t = 0; t < trainTimesteps; t++)
        {
            for (var step = 1; step < grid.Count; step++)
            {
                if (Math.Abs(grid[step] - t) < Math.Abs(grid[result[t]] - t))
                {
                    result[t] = step;
                }
            }
        }

        return result;
    }
}
