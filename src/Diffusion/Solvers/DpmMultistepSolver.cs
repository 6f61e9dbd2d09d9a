namespace DiffusionQuant.Diffusion;

/// <summary>
/// DPM-Solver and DPM-Solver++ of orders 1 to 3, multistep, deterministic or stochastic (Lu et al. 2022, "DPM-Solver++",
/// algorithm 2 and appendix A).
/// </summary>
internal sealed class DpmMultistepSolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(path, settings, SigmaGridStyle.Multistep, thresholds: true)
{
    // Below it, steps at the end are of lower order (diffusers).
    private const int FewSteps = 15;

    public static SolverKind Kind { get; } =
        new(
            "dpm++",
            ["DPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler"],
            static (path, settings) => new DpmMultistepSolver(path, settings)
        );

    public override string Name =>
        $"DPM-Solver{(Options.IntegratesCleanSample ? "++" : "")}{(Options.IsStochastic ? " SDE" : "")} order {Options.Order}";

    public override bool AddsNoise(int call) => Options.IsStochastic && Sigmas[call + 1] > 0;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private int OrderOf(int call, int known)
    {
        var left = Timesteps.Count - call;
        var lowers = Options.LowersOrderAtEnd && Timesteps.Count < FewSteps;
        var most =
            left == 1 && (Options.EndsWithEuler || lowers || Sigmas[^1] == 0) ? 1
            : left == 2 && lowers ? 2
            : Options.Order;
        return Math.Min(most, known);
    }

    private sealed class Run(DpmMultistepSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory outputs = new(solver.Options.Order, sample.Length);

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
            var order = solver.OrderOf(Call, outputs.Count);
            var (from, to) = (solver.LevelAt(Call), solver.LevelAt(Call + 1));
            var step = DpmStep.Of(solver.Options, order, from, to);
            var h = to.Lambda - from.Lambda;
            var r0 = order > 1 ? (from.Lambda - solver.LevelAt(Call - 1).Lambda) / h : 1;
            var r1 = order > 2 ? (solver.LevelAt(Call - 1).Lambda - solver.LevelAt(Call - 2).Lambda) / h : 1;
            for (var i = 0; i < Sample.Length; i++)
            {
                double d0 = outputs[0][i];
                double d1 = 0;
                double d2 = 0;
                if (order > 1)
                {
                    d1 = (d0 - outputs[1][i]) / r0;
                }

                if (order > 2)
                {
                    var before = (outputs[1][i] - outputs[2][i]) / r1;
                    d2 = (d1 - before) / (r0 + r1);
                    d1 += r0 * d2;
                }

                var value = (step.Sample * Sample[i]) + (step.D0 * d0) + (step.D1 * d1) + (step.D2 * d2);
                Sample[i] = (float)(noise.IsEmpty ? value : value + (step.Noise * noise[i]));
            }
        }
    }
}
