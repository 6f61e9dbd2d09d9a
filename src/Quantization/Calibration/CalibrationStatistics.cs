namespace DiffusionQuant.Quantization.Calibration;

/// <summary>What calibration saw at all points of a plan, in memory that does not grow with the number of samples.</summary>
public sealed class CalibrationStatistics
{
    private readonly Dictionary<string, PointStatistics> points;

    private CalibrationStatistics(IReadOnlyList<double> timesteps, Dictionary<string, PointStatistics> points)
    {
        this.points = points;
        Timesteps = timesteps;
    }

    /// <summary>Makes empty statistics.</summary>
    /// <param name="values">The names of the observed values.</param>
    /// <param name="timesteps">The observed timesteps.</param>
    public CalibrationStatistics(IEnumerable<string> values, IReadOnlyList<double> timesteps)
    {
        Timesteps = timesteps;
        points = values.Distinct(StringComparer.Ordinal).ToDictionary(v => v, _ => new PointStatistics(timesteps));
    }

    /// <summary>Statistics of nothing.</summary>
    public static CalibrationStatistics Empty { get; } = new(Array.Empty<string>(), []);

    /// <summary>The observed timesteps, in sampling order.</summary>
    public IReadOnlyList<double> Timesteps { get; }

    /// <summary>How many pairs (x_t, t) were seen.</summary>
    public int Samples { get; set; }

    /// <summary>The names of the observed values.</summary>
    public IReadOnlyCollection<string> Values => points.Keys;

    /// <summary>What was seen of a value.</summary>
    public PointStatistics Of(string value) => points[value];

    /// <summary>The same statistics where values are called otherwise.</summary>
    /// <param name="values">The present name of each new one; several may be what one value was.</param>
    public CalibrationStatistics Renamed(IReadOnlyDictionary<string, string> values) =>
        new(Timesteps, values.ToDictionary(v => v.Key, v => points[v.Value], StringComparer.Ordinal))
        {
            Samples = Samples,
        };

    /// <summary>Adds what another part of the calibration saw; the result is exactly that of one run over both.</summary>
    public void Merge(CalibrationStatistics other)
    {
        Samples += other.Samples;
        foreach (var (value, statistics) in other.points)
        {
            points[value].Merge(statistics);
        }
    }
}
