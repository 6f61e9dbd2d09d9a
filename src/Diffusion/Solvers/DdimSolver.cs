using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// DDIM (Song et al. 2021, "Denoising Diffusion Implicit Models", equation 12): deterministic for η = 0, with noise of
/// η·σ_t otherwise; η = 1 is close to DDPM.
/// </summary>
/// <remarks>The noise direction is the network's own, not derived anew from a clipped x0, as in diffusers.</remarks>
internal sealed class DdimSolver(NoiseSchedule schedule, SamplerSettings settings)
    : TimestepSolver(schedule, settings.CreateGrid(schedule))
{
    public static SolverKind Kind { get; } =
        new(
            "ddim",
            ["DDIMScheduler", "CogVideoXDDIMScheduler"],
            static (path, settings) => new DdimSolver((NoiseSchedule)path, settings)
        )
        {
            TakesEta = true,
            Fits = static path => path is NoiseSchedule,
        };

    /// <summary>η, the share of ancestral noise.</summary>
    public double Eta { get; } = Share(settings.Eta ?? 0);

    public override string Name => Eta == 0 ? "DDIM" : string.Create(CultureInfo.InvariantCulture, $"DDIM η={Eta}");

    // ᾱ_0, where the last step goes to that, has noise too.
    public override bool AddsNoise(int call) => Eta > 0 && (Grid[call].Previous >= 0 || !Schedule.Config.SetAlphaToOne);

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(DdimSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var schedule = solver.Schedule;
            var pair = solver.Grid[Call];
            var alpha = schedule.AlphaCumprodOrFinal(pair.Timestep);
            var previous = schedule.AlphaCumprodOrFinal(pair.Previous);
            var sigma = solver.AddsNoise(Call)
                ? solver.Eta * Math.Sqrt((1 - previous) / (1 - alpha) * (1 - (alpha / previous)))
                : 0;
            var direction = Math.Sqrt(Math.Max(0, 1 - previous - (sigma * sigma)));
            var signal = Math.Sqrt(previous);
            var coefficients = CleanSample.At(schedule.Prediction, alpha);
            CleanSample.Estimate(coefficients, schedule.Config, Sample, output, clean);
            for (var i = 0; i < Sample.Length; i++)
            {
                var epsilon = (coefficients.NoiseFromSample * Sample[i]) + (coefficients.NoiseFromOutput * output[i]);
                var value = (signal * clean[i]) + (direction * epsilon);
                Sample[i] = (float)(sigma > 0 ? value + (sigma * noise[i]) : value);
            }
        }
    }
}
