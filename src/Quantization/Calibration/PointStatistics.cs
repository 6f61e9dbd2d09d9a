namespace DiffusionQuant.Quantization.Calibration;

/// <summary>What calibration saw of one value: over all timesteps, and for each of the observed ones.</summary>
/// <param name="timesteps">The observed timesteps; memory is fixed by their number.</param>
public sealed class PointStatistics(IReadOnlyList<double> timesteps)
{
    private const int BinsPerTimestep = 512;

    private readonly Dictionary<double, StreamingHistogram> byTimestep = timesteps
        .Distinct()
        .ToDictionary(t => t, _ => new StreamingHistogram(BinsPerTimestep));

    /// <summary>All values.</summary>
    public StreamingHistogram All { get; } = new();

    /// <summary>The values at each observed timestep.</summary>
    public IReadOnlyDictionary<double, StreamingHistogram> ByTimestep => byTimestep;

    /// <summary>Counts values that were seen at a timestep.</summary>
    public void Add(double timestep, ReadOnlySpan<float> values)
    {
        All.Add(values);
        byTimestep[timestep].Add(values);
    }

    /// <summary>Adds what another part of the calibration saw.</summary>
    public void Merge(PointStatistics other)
    {
        All.Merge(other.All);
        foreach (var (timestep, histogram) in other.byTimestep)
        {
            byTimestep[timestep].Merge(histogram);
        }
    }
}
