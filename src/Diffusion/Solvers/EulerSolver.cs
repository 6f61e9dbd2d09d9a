namespace DiffusionQuant.Diffusion;

/// <summary>
/// Euler's method over σ (Karras et al. 2022, algorithm 1 without its second order and churn): for preserved variances,
/// flows and EDM alike. The ancestral form steps down further and adds noise (Song et al. 2021, as k-diffusion writes it).
/// </summary>
internal sealed class EulerSolver(NoisePath path, SamplerSettings settings, bool isAncestral)
    : SigmaSolver(path, settings, SigmaGridStyle.Exploding)
{
    public static SolverKind Kind { get; } =
        new(
            "euler",
            ["EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler"],
            static (path, settings) => new EulerSolver(path, settings, isAncestral: false)
        );

    public static SolverKind AncestralKind { get; } =
        new(
            "euler-ancestral",
            ["EulerAncestralDiscreteScheduler"],
            static (path, settings) => new EulerSolver(path, settings, isAncestral: true)
        );

    public override string Name => isAncestral ? "Euler ancestral" : "Euler";

    public override bool AddsNoise(int call) => isAncestral && Up(call) > 0;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    /// <summary>The deviation of the noise that a step adds.</summary>
    private double Up(int call)
    {
        var (from, to) = (Sigmas[call], Sigmas[call + 1]);
        return to * Math.Sqrt(Math.Max(0, (from * from) - (to * to))) / from;
    }

    private sealed class Run(EulerSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var (from, to) = (solver.Sigmas[Call], solver.Sigmas[Call + 1]);
            var up = solver.AddsNoise(Call) ? solver.Up(Call) : 0;
            var down = up > 0 ? Math.Sqrt((to * to) - (up * up)) : to;
            solver.Estimate(Call, Sample, output, clean);
            var kept = down / from;
            for (var i = 0; i < Sample.Length; i++)
            {
                // x + (x − x0)/σ · (σ' − σ), written so that σ' = 0 gives x0 exactly.
                var value = clean[i] + (kept * (Sample[i] - clean[i]));
                Sample[i] = (float)(up > 0 ? value + (up * noise[i]) : value);
            }
        }
    }
}
