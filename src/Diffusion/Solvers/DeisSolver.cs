namespace DiffusionQuant.Diffusion;

/// <summary>
/// DEIS (Zhang and Chen 2023, "Fast Sampling of Diffusion Models with Exponential Integrator"), multistep of orders 1 to 3,
/// with polynomials in ln ρ, ρ = σ/α.
/// </summary>
internal sealed class DeisSolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(path, settings, SigmaGridStyle.Multistep, thresholds: true)
{
    private const int FewSteps = 15;

    public static SolverKind Kind { get; } =
        new("deis", ["DEISMultistepScheduler"], static (path, settings) => new DeisSolver(path, settings));

    public override string Name => $"DEIS order {Options.Order}";

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private int OrderOf(int call, int known)
    {
        var left = Timesteps.Count - call;
        var lowers = Options.LowersOrderAtEnd && Timesteps.Count < FewSteps;
        // ln ρ has no value at 0.
        var most =
            (left == 1 && lowers) || Sigmas[call + 1] == 0 ? 1
            : left == 2 && lowers ? 2
            : Options.Order;
        return Math.Min(most, known);
    }

    /// <summary>∫ dρ from a point to another of the Lagrange polynomial in ln ρ that is 1 at a node and 0 at the others.</summary>
    private static double Integral(double from, double to, double node, params ReadOnlySpan<double> others)
    {
        var denominator = 1.0;
        // The polynomial's coefficients in l = ln ρ, the lowest first.
        double[] polynomial = [1];
        foreach (var other in others)
        {
            denominator *= Math.Log(node) - Math.Log(other);
            var next = new double[polynomial.Length + 1];
            for (var i = 0; i < polynomial.Length; i++)
            {
                next[i] -= polynomial[i] * Math.Log(other);
                next[i + 1] += polynomial[i];
            }

            polynomial = next;
        }

        return (Antiderivative(to) - Antiderivative(from)) / denominator;

        // ∫ lⁿ dρ = ρ·lⁿ − n·∫ lⁿ⁻¹ dρ
        double Antiderivative(double rho)
        {
            var (logarithm, power, sum) = (Math.Log(rho), rho, 0.0);
            for (var n = 0; n < polynomial.Length; n++)
            {
                power = n == 0 ? rho : (rho * Math.Pow(logarithm, n)) - (n * power);
                sum += polynomial[n] * power;
            }

            return sum;
        }
    }

    private sealed class Run(DeisSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory outputs = new(solver.Options.Order, sample.Length);

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            solver.EstimateIntegrated(false, Call, Sample, output, clean, outputs.Next());
            var order = solver.OrderOf(Call, outputs.Count);
            var (from, to) = (solver.LevelAt(Call), solver.LevelAt(Call + 1));
            double Rho(int back)
            {
                var level = solver.LevelAt(Call + 1 - back);
                return level.Sigma / level.Alpha;
            }

            var weights = new double[order];
            switch (order)
            {
                case 1:
                    weights[0] = Rho(0) - Rho(1);
                    break;
                case 2:
                    weights[0] = Integral(Rho(1), Rho(0), Rho(1), Rho(2));
                    weights[1] = Integral(Rho(1), Rho(0), Rho(2), Rho(1));
                    break;
                default:
                    weights[0] = Integral(Rho(1), Rho(0), Rho(1), Rho(2), Rho(3));
                    weights[1] = Integral(Rho(1), Rho(0), Rho(2), Rho(3), Rho(1));
                    weights[2] = Integral(Rho(1), Rho(0), Rho(3), Rho(1), Rho(2));
                    break;
            }

            for (var i = 0; i < Sample.Length; i++)
            {
                var sum = Sample[i] / from.Alpha;
                for (var back = 0; back < order; back++)
                {
                    sum += weights[back] * outputs[back][i];
                }

                Sample[i] = (float)(to.Alpha * sum);
            }
        }
    }
}
