namespace DiffusionQuant.Diffusion;

/// <summary>
/// DPM-Solver-2 as k-diffusion has it (Karras et al. 2022, algorithm 2, without churn): a call at the start of a step, one at
/// the geometric middle, whose slope is taken for all of it. The ancestral form steps down further and adds noise.
/// </summary>
internal sealed class Kdpm2Solver(NoisePath path, SamplerSettings settings, bool isAncestral)
    : SigmaSolver(
        path,
        settings,
        path.Grid(settings, SigmaGridStyle.Exploding),
        SigmaGridStyle.Exploding,
        clips: false,
        thresholds: false,
        grid => Calls(path, grid, isAncestral)
    )
{
    public static SolverKind Kind { get; } =
        new(
            "kdpm2",
            ["KDPM2DiscreteScheduler"],
            static (path, settings) => new Kdpm2Solver(path, settings, isAncestral: false)
        );

    public static SolverKind AncestralKind { get; } =
        new(
            "kdpm2-ancestral",
            ["KDPM2AncestralDiscreteScheduler"],
            static (path, settings) => new Kdpm2Solver(path, settings, isAncestral: true)
        );

    public override string Name => isAncestral ? "KDPM2 ancestral" : "KDPM2";

    public override bool AddsNoise(int call) => isAncestral && call % 2 == 1 && Up(call / 2) > 0;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private protected override IEnumerable<int> StepStarts => base.StepStarts.Where(call => call % 2 == 0);

    public override double SigmaOf(int call) => call % 2 == 0 ? Sigmas[call / 2] : Middle(call / 2);

    /// <summary>t of the calls: a step's start and its middle. Of a step to 0 there is no middle: it takes one call.</summary>
    private static IReadOnlyList<double> Calls(NoisePath path, SigmaGrid grid, bool isAncestral) =>
        [
            .. grid.Timesteps.SelectMany(
                (t, step) =>
                    step + 1 < grid.Steps
                        ? [t, path.TimestepOf(Math.Sqrt(grid.Sigmas[step] * Down(grid.Sigmas, step, isAncestral)))]
                        : new[] { t }
            ),
        ];

    private static double Up(IReadOnlyList<double> sigmas, int step, bool isAncestral)
    {
        var (from, to) = (sigmas[step], sigmas[step + 1]);
        return isAncestral ? to * Math.Sqrt(Math.Max(0, (from * from) - (to * to))) / from : 0;
    }

    private static double Down(IReadOnlyList<double> sigmas, int step, bool isAncestral)
    {
        var (up, to) = (Up(sigmas, step, isAncestral), sigmas[step + 1]);
        return Math.Sqrt((to * to) - (up * up));
    }

    private double Up(int step) => Up(Sigmas, step, isAncestral);

    private double Down(int step) => Down(Sigmas, step, isAncestral);

    private double Middle(int step) => Math.Sqrt(Sigmas[step] * Down(step));

    private sealed class Run(Kdpm2Solver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly float[] before = new float[sample.Length];

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var step = Call / 2;
            var isSecond = Call % 2 == 1;
            var at = solver.SigmaOf(Call);
            var from = solver.Sigmas[step];
            // The last step, to 0, has no second call.
            var to =
                isSecond ? solver.Down(step)
                : Call + 1 < solver.Timesteps.Count ? solver.Middle(step)
                : solver.Sigmas[step + 1];
            var up = solver.AddsNoise(Call) ? solver.Up(step) : 0;
            solver.Estimate(Call, Sample, output, clean);
            for (var i = 0; i < Sample.Length; i++)
            {
                var slope = (Sample[i] - clean[i]) / at;
                if (!isSecond)
                {
                    before[i] = Sample[i];
                }

                var value = before[i] + (slope * (to - from));
                Sample[i] = (float)(up > 0 ? value + (up * noise[i]) : value);
            }
        }
    }
}
