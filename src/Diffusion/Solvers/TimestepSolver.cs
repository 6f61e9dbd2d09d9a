namespace DiffusionQuant.Diffusion;

/// <summary>A solver that steps over the timesteps of a discrete schedule.</summary>
/// <param name="schedule">The schedule.</param>
/// <param name="grid">The steps.</param>
/// <param name="calls">t of each call, where there are other calls than steps.</param>
internal abstract class TimestepSolver(NoiseSchedule schedule, TimestepGrid grid, IReadOnlyList<double>? calls = null)
    : Solver(calls ?? grid.Timesteps)
{
    /// <summary>The schedule.</summary>
    public NoiseSchedule Schedule => schedule;

    /// <summary>The steps.</summary>
    public TimestepGrid Grid => grid;

    public override NoiseLevel LevelAt(int call) => schedule.At(Timesteps[call]);

    /// <summary>η or γ within its range.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058: it is not.</exception>
    protected static double Share(double eta) =>
        eta is >= 0 and <= 1
            ? eta
            : throw DiffusionErrors.BadSettings(
                "eta",
                eta.ToString(System.Globalization.CultureInfo.InvariantCulture),
                "a number from 0 to 1 is expected"
            );
}
