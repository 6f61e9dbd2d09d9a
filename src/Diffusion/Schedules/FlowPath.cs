namespace DiffusionQuant.Diffusion;

/// <summary>
/// Flow matching along straight lines, x = (1 − σ)·x0 + σ·ε (Liu et al. 2022, "Rectified Flow"; Esser et al. 2024, "Scaling
/// Rectified Flow Transformers", section 3): t = T·σ, and the network gives u = ε − x0.
/// </summary>
/// <param name="config">The configuration; its <see cref="SchedulerConfig.Flow"/> says how σ is shifted.</param>
public sealed class FlowPath(SchedulerConfig config) : NoisePath(config)
{
    /// <inheritdoc/>
    public override NoiseLevel At(double timestep)
    {
        var sigma = Math.Clamp(timestep / TrainTimesteps, 0, 1);
        return new(1 - sigma, sigma);
    }

    /// <summary>σ moved towards noise, as larger pictures need it (Esser et al. 2024, equation 23).</summary>
    /// <param name="sigma">σ, 0 to 1.</param>
    /// <param name="length">The number of the picture's tokens, which dynamic shifting goes by; null where it is not known.</param>
    public double Shift(double sigma, int? length = null)
    {
        var flow = Config.Flow;
        if (!flow.IsDynamic)
        {
            return flow.Shift * sigma / (1 + ((flow.Shift - 1) * sigma));
        }

        // The longest sequence's shift is the safe side: it is what the largest pictures were trained with.
        var slope = (flow.MaximalShift - flow.BaseShift) / (flow.MaximalLength - flow.BaseLength);
        var mu = flow.BaseShift + (slope * ((length ?? flow.MaximalLength) - flow.BaseLength));
        return ShiftBy(flow.IsExponential ? Math.Exp(mu) : mu, sigma);
    }

    internal override double TimestepOf(double sigma) => sigma * TrainTimesteps;

    internal override SigmaForm Form(bool isExploding) => new FlowForm();

    internal override SigmaGrid Grid(SamplerSettings settings, SigmaGridStyle style)
    {
        var flow = Config.Flow;
        var steps = settings.StepsOr(SamplerSettings.UsualSteps);
        double[] sigmas;
        if (settings.Timesteps is { } list)
        {
            sigmas = [.. list.Select(t => t / TrainTimesteps)];
        }
        else
        {
            sigmas = Raw(steps, settings, style);
            sigmas = Array.ConvertAll(sigmas, s => Shift(s, settings.SequenceLength));
            if (flow.Terminal is { } terminal)
            {
                var stretch = (1 - sigmas[^1]) / (1 - terminal);
                sigmas = Array.ConvertAll(sigmas, s => 1 - ((1 - s) / stretch));
            }

            sigmas = SigmaSpacings.Respace(Config.Solver.Spacing, sigmas, steps, Config.Solver);
        }

        var timesteps = Array.ConvertAll(sigmas, TimestepOf);
        var last = Config.Solver.EndsAtLeastSigma && style == SigmaGridStyle.Multistep ? sigmas[^1] : 0;
        return new([.. sigmas, last], timesteps, 1);
    }

    private double[] Raw(int steps, SamplerSettings settings, SigmaGridStyle style)
    {
        var flow = Config.Flow;
        if (flow.IsOfVarianceSolver || style == SigmaGridStyle.Multistep)
        {
            // As diffusers has it for use_flow_sigmas: one point more, and neither end: λ has no value there.
            var even = Betas.Linspace(1, 1.0 / TrainTimesteps, steps + 1);
            return [.. even.Skip(1).Reverse().Select(alpha => 1 - alpha)];
        }

        if (settings.EvenFlow ?? flow.IsDynamic)
        {
            return Betas.Linspace(1, 1.0 / steps, steps);
        }

        // The trained σ are shifted once already, so the least of them is: diffusers shifts twice.
        var least = flow.IsDynamic ? 1.0 / TrainTimesteps : Shift(1.0 / TrainTimesteps);
        return Betas.Linspace(1, least, steps);
    }

    private static double ShiftBy(double factor, double sigma) => factor / (factor + (1 / sigma) - 1);
}

/// <summary>How σ of a flow is shifted.</summary>
public sealed record FlowOptions
{
    /// <summary>The shift s: σ' = s·σ/(1 + (s − 1)·σ); 1 for none.</summary>
    public double Shift { get; init; } = 1;

    /// <summary>Whether the shift follows the number of tokens instead, linearly between two lengths.</summary>
    public bool IsDynamic { get; init; }

    /// <summary>μ at <see cref="BaseLength"/>.</summary>
    public double BaseShift { get; init; } = 0.5;

    /// <summary>μ at <see cref="MaximalLength"/>.</summary>
    public double MaximalShift { get; init; } = 1.15;

    /// <summary>The shorter length, in tokens.</summary>
    public int BaseLength { get; init; } = 256;

    /// <summary>The longer length, in tokens.</summary>
    public int MaximalLength { get; init; } = 4096;

    /// <summary>Whether the dynamic shift is e^μ rather than μ.</summary>
    public bool IsExponential { get; init; } = true;

    /// <summary>What the last σ is stretched to; null for no stretching.</summary>
    public double? Terminal { get; init; }

    /// <summary>Whether the configuration is of a solver for preserved variance that was given flow's σ (<c>use_flow_sigmas</c>).</summary>
    public bool IsOfVarianceSolver { get; init; }
}
