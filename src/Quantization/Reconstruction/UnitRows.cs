using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>The pairs that a unit is tuned on, numbered from 0.</summary>
internal sealed class UnitRows
{
    private readonly CalibrationSet samples;
    private readonly IReadOnlyList<double>? timesteps;

    private UnitRows(CalibrationSet samples, IReadOnlyList<double>? timesteps, int count)
    {
        this.samples = samples;
        this.timesteps = timesteps;
        Count = count;
    }

    /// <summary>The number of pairs.</summary>
    public int Count { get; }

    /// <summary>
    /// The pairs for a unit: calibration's. The time embedding sees nothing but the timestep (and the label), of which a
    /// sampler has finitely many: it is tuned on all of them alike (TFMQ-DM, Huang et al., CVPR 2024, section 4.2).
    /// </summary>
    /// <param name="kind">What the unit is.</param>
    /// <param name="samples">Calibration's pairs.</param>
    /// <param name="timesteps">The sampler's timesteps.</param>
    public static UnitRows Of(BlockKind kind, CalibrationSet samples, IReadOnlyList<double> timesteps) =>
        kind == BlockKind.TimeEmbedding
            ? new(samples, timesteps, Math.Max(samples.Count, timesteps.Count))
            : new(samples, null, samples.Count);

    /// <summary>Some of calibration's pairs, for measuring.</summary>
    public static UnitRows First(CalibrationSet samples, int count) =>
        new(samples, null, Math.Min(samples.Count, count));

    /// <summary>The rows in runs of a size at most, each of one timestep and one half of guidance.</summary>
    public IEnumerable<int[]> Batches(int size) =>
        Enumerable
            .Range(0, Count)
            .GroupBy(row => (TimestepOf(row), samples.IsUnconditional(row % samples.Count)))
            .SelectMany(group => group.Chunk(size));

    /// <summary>The call of some rows.</summary>
    public DenoiserCall Call(ReadOnlySpan<int> rows)
    {
        var own = new int[rows.Length];
        var times = new double[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            own[i] = rows[i] % samples.Count;
            times[i] = TimestepOf(rows[i]);
        }

        return samples.Call(own) with
        {
            Timesteps = times,
        };
    }

    private double TimestepOf(int row) =>
        timesteps is null ? samples.TimestepOf(row % samples.Count) : timesteps[row % timesteps.Count];
}
