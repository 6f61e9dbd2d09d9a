namespace DiffusionQuant.Diffusion;

/// <summary>
/// PNDM (Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds"): linear multistep with the transfer of
/// its equation 11, begun by twelve calls of Runge and Kutta's method, or at once (PLMS).
/// </summary>
/// <param name="schedule">The schedule.</param>
/// <param name="grid">The steps.</param>
/// <param name="calls">t of each call.</param>
/// <param name="stride">⌊T/n⌋, how far a step goes.</param>
/// <param name="beginning">How many calls Runge and Kutta's method takes.</param>
internal sealed class PndmSolver(
    NoiseSchedule schedule,
    TimestepGrid grid,
    IReadOnlyList<double> calls,
    double stride,
    int beginning
) : TimestepSolver(schedule, grid, calls)
{
    private const int RungeKuttaSteps = 3;
    private const int CallsOfRungeKutta = 4;

    public static SolverKind Kind { get; } =
        new("pndm", ["PNDMScheduler"], static (path, settings) => Make((NoiseSchedule)path, settings))
        {
            Fits = static path => path is NoiseSchedule,
        };

    public override string Name => Schedule.Config.Solver.SkipsRungeKutta ? "PNDM (PLMS)" : "PNDM";

    private int Beginning => beginning;

    private double Stride => stride;

    // The second call of PLMS is the first step's again, and Runge and Kutta's steps are of four.
    private protected override IEnumerable<int> StepStarts =>
        base.StepStarts.Where(call => beginning == 0 ? call != 1 : call % CallsOfRungeKutta == 0 || call >= beginning);

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private static PndmSolver Make(NoiseSchedule schedule, SamplerSettings settings)
    {
        var grid = settings.CreateGrid(schedule);
        var steps = grid.Timesteps;
        if (grid.Stride is not { } stride)
        {
            throw DiffusionErrors.BadTimesteps(
                "PNDM takes evenly spread timesteps, and a list or a quadratic grid is given"
            );
        }

        if (schedule.Config.Solver.SkipsRungeKutta)
        {
            // The second step is taken twice, to have two outputs to go on with.
            return new(schedule, grid, steps.Count == 1 ? steps : [steps[0], steps[1], .. steps.Skip(1)], stride, 0);
        }

        if (steps.Count <= RungeKuttaSteps)
        {
            throw DiffusionErrors.BadTimesteps(
                $"PNDM begins with {RungeKuttaSteps} steps of Runge and Kutta's method and needs at least {RungeKuttaSteps + 1}, and {steps.Count} are wanted"
            );
        }

        var beginning = Enumerable
            .Range(0, RungeKuttaSteps)
            .SelectMany(s =>
            {
                var middle = steps[s + 1] + Math.Floor(stride / 2);
                return new[] { steps[s], middle, middle, steps[s + 1] };
            });
        return new(
            schedule,
            grid,
            [.. beginning, .. steps.Skip(RungeKuttaSteps)],
            stride,
            RungeKuttaSteps * CallsOfRungeKutta
        );
    }

    private sealed class Run(PndmSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory outputs = new(4, sample.Length);
        private readonly float[] before = new float[sample.Length];
        private readonly float[] combined = new float[sample.Length];
        private readonly float[] mean = new float[sample.Length];
        private int multistepCalls;

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var schedule = solver.Schedule;
            var own = solver.Timesteps[Call];
            CleanSample.Estimate(
                CleanSample.At(schedule.Prediction, schedule.AlphaCumprod(own)),
                null,
                Sample,
                output,
                clean
            );
            if (Call < solver.Beginning)
            {
                RungeKutta(output);
            }
            else
            {
                Multistep(output, own);
            }
        }

        private void RungeKutta(ReadOnlySpan<float> output)
        {
            var turn = Call % CallsOfRungeKutta;
            var from = solver.Timesteps[Call - turn];
            if (turn == 0)
            {
                Keep(output);
                Sample.CopyTo(before, 0);
                Array.Clear(mean);
            }

            // ε₁/6 + ε₂/3 + ε₃/3 + ε₄/6; the middle is reached with ε₁ and with ε₂, the end with ε₃.
            var weight = turn is 0 or 3 ? 1.0 / 6 : 1.0 / 3;
            for (var i = 0; i < mean.Length; i++)
            {
                mean[i] += (float)(weight * output[i]);
                combined[i] = turn == 3 ? mean[i] : output[i];
            }

            var to = solver.Timesteps[Call] - (turn % 2 == 0 ? Math.Floor(solver.Stride / 2) : 0);
            Transfer(before, from, to);
        }

        private void Multistep(ReadOnlySpan<float> output, double own)
        {
            var isRepeated = solver.Beginning == 0 && Call == 1 && multistepCalls == 1;
            multistepCalls++;
            if (isRepeated)
            {
                // The same step again, from where it began, with the mean of the outputs at its two ends.
                for (var i = 0; i < combined.Length; i++)
                {
                    combined[i] = (output[i] + outputs[0][i]) / 2;
                }

                Transfer(before, own + solver.Stride, own);
                return;
            }

            Keep(output);
            Sample.CopyTo(before, 0);
            ReadOnlySpan<double> weights = outputs.Count switch
            {
                1 => [1],
                2 => [3.0 / 2, -1.0 / 2],
                3 => [23.0 / 12, -16.0 / 12, 5.0 / 12],
                _ => [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24],
            };
            for (var i = 0; i < combined.Length; i++)
            {
                var sum = 0.0;
                for (var back = 0; back < weights.Length; back++)
                {
                    sum += weights[back] * outputs[back][i];
                }

                combined[i] = (float)sum;
            }

            Transfer(before, own, own - solver.Stride);
        }

        private void Keep(ReadOnlySpan<float> output) => output[..Sample.Length].CopyTo(outputs.Next());

        /// <summary>Equation 11: from one timestep to another with an estimate of the noise.</summary>
        private void Transfer(float[] start, double from, double to)
        {
            var schedule = solver.Schedule;
            var alpha = schedule.AlphaCumprod(from);
            var previous = schedule.AlphaCumprodOrFinal(to);
            var coefficients = CleanSample.At(schedule.Prediction, alpha);
            var kept = Math.Sqrt(previous / alpha);
            var factor =
                (previous - alpha) / ((alpha * Math.Sqrt(1 - previous)) + Math.Sqrt(alpha * (1 - alpha) * previous));
            for (var i = 0; i < start.Length; i++)
            {
                var epsilon = (coefficients.NoiseFromSample * start[i]) + (coefficients.NoiseFromOutput * combined[i]);
                Sample[i] = (float)((kept * start[i]) - (factor * epsilon));
            }
        }
    }
}
