using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Trajectory consistency sampling (Zheng et al. 2024, "Trajectory Consistency Distillation", algorithm 4): each call goes to
/// a timestep below the next one, and noise brings it back there; γ (<c>eta</c>) says how far below.
/// </summary>
internal sealed class TcdSolver(NoiseSchedule schedule, SamplerSettings settings)
    : TimestepSolver(schedule, DistilledGrid.Of(schedule, settings, Kind))
{
    private const double UsualEta = 0.3;

    public static SolverKind Kind { get; } =
        new("tcd", ["TCDScheduler"], static (path, settings) => new TcdSolver((NoiseSchedule)path, settings))
        {
            TakesEta = true,
            Fits = static path => path is NoiseSchedule,
            UsualSteps = 4,
        };

    public double Eta { get; } = Share(settings.Eta ?? UsualEta);

    public override string Name => string.Create(CultureInfo.InvariantCulture, $"TCD γ={Eta}");

    public override bool AddsNoise(int call) => Eta > 0 && call + 1 < Timesteps.Count;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(TcdSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var schedule = solver.Schedule;
            // The last call goes to timestep 0, as diffusers has it.
            var next = Call + 1 < solver.Timesteps.Count ? solver.Timesteps[Call + 1] : 0;
            var alpha = schedule.AlphaCumprod(solver.Timesteps[Call]);
            var below = schedule.AlphaCumprod(Math.Floor((1 - solver.Eta) * next));
            var share = schedule.AlphaCumprod(next) / below;
            var coefficients = CleanSample.At(schedule.Prediction, alpha);
            CleanSample.Estimate(coefficients, schedule.Config, Sample, output, clean);
            var addsNoise = solver.AddsNoise(Call);
            for (var i = 0; i < Sample.Length; i++)
            {
                var epsilon = (coefficients.NoiseFromSample * Sample[i]) + (coefficients.NoiseFromOutput * output[i]);
                var value = (Math.Sqrt(below) * clean[i]) + (Math.Sqrt(1 - below) * epsilon);
                Sample[i] = (float)(addsNoise ? (Math.Sqrt(share) * value) + (Math.Sqrt(1 - share) * noise[i]) : value);
            }
        }
    }
}
