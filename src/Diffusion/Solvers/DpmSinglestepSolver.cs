namespace DiffusionQuant.Diffusion;

/// <summary>
/// DPM-Solver and DPM-Solver++ of orders 1 to 3, singlestep: steps of several calls each begin anew from one sample (Lu et al.
/// 2022, "DPM-Solver", algorithms 1 and 2).
/// </summary>
internal sealed class DpmSinglestepSolver(NoisePath path, SamplerSettings settings)
    // The class knows no spacing but linspace.
    : SigmaSolver(
        path,
        settings with
        {
            Spacing = settings.Spacing ?? TimestepSpacing.Linspace,
        },
        SigmaGridStyle.Multistep,
        thresholds: true
    )
{
    public static SolverKind Kind { get; } =
        new(
            "dpm++-singlestep",
            ["DPMSolverSinglestepScheduler"],
            static (path, settings) => new DpmSinglestepSolver(path, settings)
        );

    public override string Name =>
        $"DPM-Solver{(Options.IntegratesCleanSample ? "++" : "")} singlestep order {Options.Order}";

    /// <summary>The order of each call's step: 1, 2, 3 count up within a step.</summary>
    private int[] Orders => field ??= OrdersOf(Options, Timesteps.Count, endsAtZero: Sigmas[^1] == 0);

    public override bool AddsNoise(int call) => Options.IsStochastic && Sigmas[call + 1] > 0;

    private protected override IEnumerable<int> StepStarts => base.StepStarts.Where(call => Orders[call] == 1);

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private static int[] OrdersOf(SolverOptions options, int steps, bool endsAtZero)
    {
        var order = options.Order;
        var orders = Enumerable.Range(0, steps).Select(i => (i % order) + 1).ToArray();
        if (endsAtZero || (options.LowersOrderAtEnd && steps % order == 0))
        {
            orders[^1] = 1;
        }

        return orders;
    }

    private sealed class Run(DpmSinglestepSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory outputs = new(solver.Options.Order, sample.Length);
        private readonly float[] before = new float[sample.Length];

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            solver.EstimateIntegrated(
                solver.Options.IntegratesCleanSample,
                Call,
                Sample,
                output,
                clean,
                outputs.Next()
            );
            // A run that a picture starts may begin within a step.
            var order = Math.Min(solver.Orders[Call], outputs.Count);
            if (order == 1)
            {
                Sample.CopyTo(before, 0);
            }

            var (from, to) = (solver.LevelAt(Call - order + 1), solver.LevelAt(Call + 1));
            var step = DpmStep.Of(solver.Options, order, from, to);
            var h = to.Lambda - from.Lambda;
            var last = (solver.LevelAt(Call).Lambda - from.Lambda) / h;
            var middle = order > 2 ? (solver.LevelAt(Call - 1).Lambda - from.Lambda) / h : 0;
            for (var i = 0; i < Sample.Length; i++)
            {
                double d0 = outputs[order - 1][i];
                double d1 = 0;
                double d2 = 0;
                if (order > 1)
                {
                    d1 = (outputs[0][i] - d0) / last;
                }

                if (order > 2 && solver.Options.IsHeun)
                {
                    var early = (outputs[1][i] - d0) / middle;
                    d2 = 2 * (d1 - early) / (last - middle);
                    d1 = ((last * early) - (middle * d1)) / (last - middle);
                }

                var value =
                    (step.Sample * before[i])
                    + (step.D0 * d0)
                    + (step.D1 * d1)
                    + (solver.Options.IsHeun ? step.D2 * d2 : 0);
                Sample[i] = (float)(noise.IsEmpty ? value : value + (step.Noise * noise[i]));
            }
        }
    }
}
