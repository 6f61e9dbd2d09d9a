namespace DiffusionQuant.Diffusion;

/// <summary>Multistep consistency sampling over σ (Song et al. 2023, "Consistency Models", algorithm 1).</summary>
internal sealed class ConsistencySolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(path, settings, SigmaGridStyle.Exploding, clips: true)
{
    public static SolverKind Kind { get; } =
        new(
            "consistency",
            ["CMStochasticIterativeScheduler"],
            static (path, settings) => new ConsistencySolver(path, settings)
        )
        {
            Fits = static path => path.Config.Edm.IsConsistency,
            UsualSteps = 1,
        };

    public override string Name => "Consistency";

    public override bool AddsNoise(int call) => call + 1 < Timesteps.Count;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(ConsistencySolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var (next, least) = (solver.Sigmas[Call + 1], solver.Sigmas[^1]);
            var added = Math.Sqrt(Math.Max(0, (next * next) - (least * least)));
            solver.Estimate(Call, Sample, output, clean);
            for (var i = 0; i < Sample.Length; i++)
            {
                Sample[i] = (float)(solver.AddsNoise(Call) ? clean[i] + (added * noise[i]) : clean[i]);
            }
        }
    }
}
