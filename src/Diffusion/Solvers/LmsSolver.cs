namespace DiffusionQuant.Diffusion;

/// <summary>Adams' and Bashforth's linear multistep method over σ, with the steps' own spacing (k-diffusion's LMS).</summary>
internal sealed class LmsSolver(NoisePath path, SamplerSettings settings)
    : SigmaSolver(path, settings, SigmaGridStyle.Exploding)
{
    private const int MostOrder = 4;

    public static SolverKind Kind { get; } =
        new("lms", ["LMSDiscreteScheduler"], static (path, settings) => new LmsSolver(path, settings));

    public override string Name => "LMS";

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    /// <summary>∫ over the step of the Lagrange polynomial that is 1 at the slope of <paramref name="back"/> calls before.</summary>
    private double Coefficient(int call, int order, int back)
    {
        // Three points of Gauss and Legendre are exact up to degree 5.
        ReadOnlySpan<double> points = [-Math.Sqrt(0.6), 0, Math.Sqrt(0.6)];
        ReadOnlySpan<double> weights = [5.0 / 9, 8.0 / 9, 5.0 / 9];
        var (from, to) = (Sigmas[call], Sigmas[call + 1]);
        var sum = 0.0;
        for (var p = 0; p < points.Length; p++)
        {
            var at = ((from + to) / 2) + (points[p] * (to - from) / 2);
            var product = weights[p];
            for (var other = 0; other < order; other++)
            {
                if (other != back)
                {
                    product *= (at - Sigmas[call - other]) / (Sigmas[call - back] - Sigmas[call - other]);
                }
            }

            sum += product;
        }

        return sum * (to - from) / 2;
    }

    private sealed class Run(LmsSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private readonly OutputHistory slopes = new(MostOrder, sample.Length);

        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            solver.Estimate(Call, Sample, output, clean);
            var slope = slopes.Next();
            for (var i = 0; i < Sample.Length; i++)
            {
                slope[i] = (float)((Sample[i] - clean[i]) / solver.Sigmas[Call]);
            }

            var order = slopes.Count;
            for (var back = 0; back < order; back++)
            {
                var coefficient = solver.Coefficient(Call, order, back);
                var past = slopes[back];
                for (var i = 0; i < Sample.Length; i++)
                {
                    Sample[i] = (float)(Sample[i] + (coefficient * past[i]));
                }
            }
        }
    }
}
