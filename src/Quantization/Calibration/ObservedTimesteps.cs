namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// For which timesteps statistics are kept apart: for all of calibration's, or, where a law draws more of them, for as many
/// that stand for their neighbours too. So memory does not grow with the sampler's steps.
/// </summary>
internal sealed class ObservedTimesteps
{
    private const int Most = 25;
    private readonly Dictionary<double, double> standsFor = [];

    /// <summary>Chooses them.</summary>
    /// <param name="timesteps">The timestep of each pair.</param>
    /// <param name="fed">What the network is fed for a timestep: those that it cannot tell apart are one to it, and nothing in
    /// its graph can treat them differently.</param>
    public ObservedTimesteps(IEnumerable<double> timesteps, Func<double, double> fed)
    {
        double[][] distinct = [.. timesteps.Distinct().OrderDescending().GroupBy(fed).Select(g => g.ToArray())];
        var groups = Math.Min(Most, distinct.Length);
        var chosen = new List<double>();
        for (var i = 0; i < groups; i++)
        {
            var group = distinct[(i * distinct.Length / groups)..((i + 1) * distinct.Length / groups)];
            chosen.Add(group[group.Length / 2][0]);
            foreach (var timestep in group.SelectMany(t => t))
            {
                standsFor[timestep] = chosen[^1];
            }
        }

        All = chosen;
    }

    /// <summary>The timesteps that have statistics of their own, in sampling order.</summary>
    public IReadOnlyList<double> All { get; }

    /// <summary>The one whose statistics a timestep's values belong to.</summary>
    public double Of(double timestep) => standsFor[timestep];
}
