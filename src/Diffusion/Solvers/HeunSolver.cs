namespace DiffusionQuant.Diffusion;

/// <summary>Heun's method over σ (Karras et al. 2022, algorithm 1): two calls a step, one in the last.</summary>
internal sealed class HeunSolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(
        path,
        settings,
        path.Grid(settings, SigmaGridStyle.Exploding),
        SigmaGridStyle.Exploding,
        clips: true,
        thresholds: false,
        grid => [.. grid.Timesteps.SelectMany((t, i) => i == 0 ? [t] : new[] { t, t })]
    )
{
    public static SolverKind Kind { get; } =
        new(
            "heun",
            ["HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"],
            static (path, settings) => new HeunSolver(path, settings)
        );

    public override string Name => "Heun";

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private protected override IEnumerable<int> StepStarts => base.StepStarts.Where(call => call % 2 == 0);

    public override double SigmaOf(int call) => Sigmas[(call + 1) / 2];

    private sealed class Run(HeunSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly float[] before = new float[sample.Length];
        private readonly float[] slope = new float[sample.Length];

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var isCorrection = Call % 2 == 1;
            var at = solver.SigmaOf(Call);
            var step = solver.Sigmas[(Call / 2) + 1] - solver.Sigmas[Call / 2];
            solver.Estimate(Call, Sample, output, clean);
            for (var i = 0; i < Sample.Length; i++)
            {
                var own = (Sample[i] - clean[i]) / at;
                if (isCorrection)
                {
                    Sample[i] = (float)(before[i] + (step * (slope[i] + own) / 2));
                    continue;
                }

                (before[i], slope[i]) = (Sample[i], (float)own);
                Sample[i] = (float)(Sample[i] + (step * own));
            }
        }
    }
}
