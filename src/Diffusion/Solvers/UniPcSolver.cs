namespace DiffusionQuant.Diffusion;

/// <summary>
/// UniPC (Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework"): a multistep predictor, and a corrector that does
/// the step anew once the next output is known, at no further call.
/// </summary>
internal sealed class UniPcSolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(path, settings, SigmaGridStyle.Multistep, thresholds: true)
{
    public static SolverKind Kind { get; } =
        new("unipc", ["UniPCMultistepScheduler"], static (path, settings) => new UniPcSolver(path, settings));

    public override string Name => $"UniPC order {Options.Order}";

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(UniPcSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory outputs = new(solver.Options.Order + 1, sample.Length);
        private readonly float[] before = new float[sample.Length];
        private int order;

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var known = outputs.Count;
            solver.EstimateIntegrated(
                solver.Options.IntegratesCleanSample,
                Call,
                Sample,
                output,
                clean,
                outputs.Next()
            );
            if (known > 0 && !solver.Options.DisabledCorrectors.Contains(Call - 1))
            {
                Move(Call - 1, order, before, isCorrector: true);
            }

            var left = solver.Timesteps.Count - Call;
            order = Math.Min(solver.Options.Order, outputs.Count);
            if (solver.Options.LowersOrderAtEnd || solver.Sigmas[Call + 1] == 0)
            {
                order = Math.Min(order, left);
            }

            Sample.CopyTo(before, 0);
            Move(Call, order, before, isCorrector: false);
        }

        /// <summary>Takes the step that begins at a call, with the outputs up to it, and with the one at its end in the corrector.</summary>
        private void Move(int call, int stepOrder, float[] start, bool isCorrector)
        {
            var newest = isCorrector ? 1 : 0;
            var (from, to) = (solver.LevelAt(call), solver.LevelAt(call + 1));
            var h = to.Lambda - from.Lambda;
            var ratios = new double[stepOrder];
            for (var back = 1; back < stepOrder; back++)
            {
                ratios[back - 1] = (solver.LevelAt(call - back).Lambda - from.Lambda) / h;
            }

            ratios[stepOrder - 1] = 1;
            var isClean = solver.Options.IntegratesCleanSample;
            var signed = isClean ? -h : h;
            var grown = double.IsInfinity(signed) ? -1 : Math.Exp(signed) - 1;
            var scale = solver.Options.IsBh2 ? grown : signed;
            var weights = Weights(ratios, signed, grown, scale, isCorrector);
            // Of x0: x' = σ'/σ·x − α'·(…); of noise: x' = α'/α·x − σ'·(…).
            var kept = isClean ? to.Sigma / from.Sigma : to.Alpha / from.Alpha;
            var factor = isClean ? to.Alpha : to.Sigma;
            for (var i = 0; i < start.Length; i++)
            {
                double m0 = outputs[newest][i];
                var sum = 0.0;
                for (var k = 0; k < weights.Length; k++)
                {
                    var isEnd = k == stepOrder - 1;
                    var other = outputs[isEnd ? 0 : newest + k + 1][i];
                    sum += weights[k] * (other - m0) / ratios[k];
                }

                Sample[i] = (float)(
                    (kept * start[i]) - (factor * ((grown * m0) + (weights.Length == 0 ? 0 : scale * sum)))
                );
            }
        }

        /// <summary>The weights of the differences (their equation 9): one less than the order in the predictor.</summary>
        private static double[] Weights(double[] ratios, double signed, double grown, double scale, bool isCorrector)
        {
            var size = isCorrector ? ratios.Length : ratios.Length - 1;
            if (size == 0)
            {
                return [];
            }

            // Of first order both have a half (the predictor's second order has one difference).
            if (size == 1)
            {
                return [0.5];
            }

            var matrix = new double[size, size];
            var right = new double[size];
            var (phi, factorial) = ((grown / signed) - 1, 1.0);
            for (var row = 0; row < size; row++)
            {
                for (var column = 0; column < size; column++)
                {
                    matrix[row, column] = Math.Pow(ratios[column], row);
                }

                right[row] = phi * factorial / scale;
                factorial *= row + 2;
                phi = (phi / signed) - (1 / factorial);
            }

            return LinearSystem.Solve(matrix, right);
        }
    }
}
