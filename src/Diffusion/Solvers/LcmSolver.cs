namespace DiffusionQuant.Diffusion;

/// <summary>
/// Multistep consistency sampling (Luo et al. 2023, "Latent Consistency Models", algorithm 3): each call's estimate of x0 is
/// noised anew to the next timestep.
/// </summary>
internal sealed class LcmSolver(NoiseSchedule schedule, SamplerSettings settings)
    : TimestepSolver(schedule, DistilledGrid.Of(schedule, settings, Kind))
{
    // σ_data of their boundary condition.
    private const double DataDeviation = 0.5;

    public static SolverKind Kind { get; } =
        new("lcm", ["LCMScheduler"], static (path, settings) => new LcmSolver((NoiseSchedule)path, settings))
        {
            Fits = static path => path is NoiseSchedule,
            UsualSteps = 4,
        };

    public override string Name => "LCM";

    public override bool AddsNoise(int call) => call + 1 < Timesteps.Count;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(LcmSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var schedule = solver.Schedule;
            var own = solver.Timesteps[Call];
            var scaled = own * schedule.Config.Solver.TimestepScaling;
            var skip = DataDeviation * DataDeviation / ((scaled * scaled) + (DataDeviation * DataDeviation));
            var kept = scaled / Math.Sqrt((scaled * scaled) + (DataDeviation * DataDeviation));
            CleanSample.Estimate(
                CleanSample.At(schedule.Prediction, schedule.AlphaCumprod(own)),
                schedule.Config,
                Sample,
                output,
                clean
            );
            var isLast = !solver.AddsNoise(Call);
            var next = isLast ? 1 : schedule.AlphaCumprod(solver.Timesteps[Call + 1]);
            var (signal, added) = (Math.Sqrt(next), Math.Sqrt(1 - next));
            for (var i = 0; i < Sample.Length; i++)
            {
                var denoised = (kept * clean[i]) + (skip * Sample[i]);
                Sample[i] = (float)(isLast ? denoised : (signal * denoised) + (added * noise[i]));
            }
        }
    }
}
