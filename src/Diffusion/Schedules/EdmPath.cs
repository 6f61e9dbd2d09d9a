namespace DiffusionQuant.Diffusion;

/// <summary>
/// Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models": x = x0 + σ·ε, t = ln(σ)/4, and a
/// network whose input and output are scaled by σ (their table 1).
/// </summary>
/// <param name="config">The configuration; its <see cref="SchedulerConfig.Edm"/> holds the σ.</param>
public sealed class EdmPath(SchedulerConfig config) : NoisePath(config)
{
    private const double TimestepOfLogSigma = 0.25;

    /// <inheritdoc/>
    public override NoiseLevel At(double timestep) =>
        new(1, Math.Exp(timestep / (TimestepOfLogSigma * Config.Edm.TimestepScale)));

    internal override double TimestepOf(double sigma) =>
        TimestepOfLogSigma * Config.Edm.TimestepScale * Math.Log(sigma);

    internal override SigmaForm Form(bool isExploding) =>
        Config.Edm.IsConsistency
            ? new ConsistencyForm(Config.Edm)
            : new EdmForm(Config.Edm.DataDeviation, Prediction == PredictionType.Velocity);

    internal override SigmaGrid Grid(SamplerSettings settings, SigmaGridStyle style)
    {
        var edm = Config.Edm;
        var steps = settings.StepsOr(SamplerSettings.UsualSteps);
        double[] sigmas;
        if (settings.Timesteps is { } list)
        {
            sigmas = [.. list.Select(t => At(t).Sigma)];
        }
        else if (edm.IsConsistency)
        {
            // Steps of the trained grid, whose σ are Karras'.
            var stride = TrainTimesteps / steps;
            sigmas =
            [
                .. Enumerable
                    .Range(0, steps)
                    .Select(i =>
                        SigmaSpacings.Karras(edm.Max, edm.Min, edm.Rho, i * (double)stride / (TrainTimesteps - 1))
                    ),
            ];
        }
        else
        {
            sigmas = edm.IsExponential
                ? SigmaSpacings.Exponential(edm.Max, edm.Min, steps)
                : SigmaSpacings.Karras(edm.Max, edm.Min, edm.Rho, steps);
        }

        var last =
            edm.IsConsistency ? edm.Min
            : Config.Solver.EndsAtLeastSigma ? sigmas[^1]
            : 0;
        var initial = edm.IsConsistency ? edm.Max : Math.Sqrt((edm.Max * edm.Max) + 1);
        return new([.. sigmas, last], Array.ConvertAll(sigmas, TimestepOf), initial);
    }
}

/// <summary>The σ of an <see cref="EdmPath"/>.</summary>
public sealed record EdmOptions
{
    /// <summary>The least σ.</summary>
    public double Min { get; init; } = 0.002;

    /// <summary>The greatest σ.</summary>
    public double Max { get; init; } = 80;

    /// <summary>σ_data, the deviation of clean samples.</summary>
    public double DataDeviation { get; init; } = 0.5;

    /// <summary>ρ, which says how dense the grid is at low noise.</summary>
    public double Rho { get; init; } = 7;

    /// <summary>Whether the σ are spaced evenly in ln σ rather than by ρ.</summary>
    public bool IsExponential { get; init; }

    /// <summary>Whether the network is a consistency model (Song et al. 2023): its estimate of x0 is exact at the least σ.</summary>
    public bool IsConsistency { get; init; }

    /// <summary>What t is multiplied by: 1000 for consistency models.</summary>
    public double TimestepScale => IsConsistency ? 1000 : 1;
}
