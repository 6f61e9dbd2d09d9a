namespace DiffusionQuant.Diffusion;

/// <summary>
/// The step of DPM-Solver (Lu et al. 2022, "DPM-Solver") and DPM-Solver++ (Lu et al. 2022, "DPM-Solver++") from one point to
/// another, as factors of the sample and of the outputs' differences: x' = Sample·x + D0·D₀ + D1·D₁ + D2·D₂ + Noise·z.
/// </summary>
internal readonly record struct DpmStep(double Sample, double D0, double D1, double D2, double Noise)
{
    /// <summary>The factors of a step.</summary>
    /// <param name="options">Which of the equations is solved.</param>
    /// <param name="order">1 to 3.</param>
    /// <param name="from">Signal and noise where the step begins.</param>
    /// <param name="to">And where it ends; σ may be 0.</param>
    public static DpmStep Of(SolverOptions options, int order, NoiseLevel from, NoiseLevel to)
    {
        var h = to.Lambda - from.Lambda;
        var isMidpoint = order == 2 && !options.IsHeun;
        if (options.IntegratesCleanSample)
        {
            // The SDE halves the time constant of the noise: e^{-2h} in the place of e^{-h}.
            var rate = options.IsStochastic ? 2 : 1;
            var decay = Math.Exp(-rate * h);
            var whole = to.Alpha * (1 - decay);
            var d1 = isMidpoint ? whole / 2 : to.Alpha * (1 - ((1 - decay) / (rate * h)));
            var d2 = to.Alpha * (((1 - decay - (rate * h)) / (rate * rate * h * h)) + 0.5);
            return new(
                to.Sigma / from.Sigma * (options.IsStochastic ? Math.Exp(-h) : 1),
                whole,
                order > 1 ? d1 : 0,
                order > 2 ? d2 : 0,
                options.IsStochastic ? to.Sigma * Math.Sqrt(1 - decay) : 0
            );
        }

        // σ'·(e^h − 1), written so that σ' may be 0.
        var grown = (to.Alpha * from.Sigma / from.Alpha) - to.Sigma;
        var times = options.IsStochastic ? 2 : 1;
        var first = isMidpoint ? grown / 2 : (grown / h) - to.Sigma;
        var second = ((grown - (to.Sigma * h)) / (h * h)) - (to.Sigma / 2);
        return new(
            to.Alpha / from.Alpha,
            -times * grown,
            order > 1 ? -times * first : 0,
            order > 2 ? -times * second : 0,
            options.IsStochastic
                ? Math.Sqrt(Math.Max(0, (grown + to.Sigma) * (grown + to.Sigma) - (to.Sigma * to.Sigma)))
                : 0
        );
    }
}
