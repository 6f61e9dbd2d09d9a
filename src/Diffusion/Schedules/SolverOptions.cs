namespace DiffusionQuant.Diffusion;

/// <summary>What a <c>scheduler_config.json</c> says of the solver itself. Each solver takes what it knows.</summary>
public sealed record SolverOptions
{
    /// <summary>The highest order of multistep solvers, 1 to 3 (LMS: 1 to 4).</summary>
    public int Order { get; init; } = 2;

    /// <summary>Whether DPM-Solver integrates the estimates of x0 (<c>dpmsolver++</c>) rather than those of the noise.</summary>
    public bool IntegratesCleanSample { get; init; } = true;

    /// <summary>Whether DPM-Solver solves the stochastic equation (<c>sde-dpmsolver++</c>), which adds noise.</summary>
    public bool IsStochastic { get; init; }

    /// <summary>Whether DPM-Solver's second order is Heun's rather than the midpoint's.</summary>
    public bool IsHeun { get; init; }

    /// <summary>Whether UniPC's B(h) is e^h − 1 (<c>bh2</c>) rather than h (<c>bh1</c>).</summary>
    public bool IsBh2 { get; init; } = true;

    /// <summary>Steps of UniPC behind which no corrector runs.</summary>
    public IReadOnlyList<int> DisabledCorrectors { get; init; } = [];

    /// <summary>Whether the last steps are of lower order where there are few.</summary>
    public bool LowersOrderAtEnd { get; init; } = true;

    /// <summary>Whether the last step is of first order.</summary>
    public bool EndsWithEuler { get; init; }

    /// <summary>The least λ that a grid begins at.</summary>
    public double LeastLambda { get; init; } = double.NegativeInfinity;

    /// <summary>Whether the last step goes to the least trained σ rather than to 0.</summary>
    public bool EndsAtLeastSigma { get; init; }

    /// <summary>How σ are spread anew between the first and the last.</summary>
    public SigmaSpacing Spacing { get; init; }

    /// <summary>The least σ of a new spread; null for the grid's own.</summary>
    public double? LeastSigma { get; init; }

    /// <summary>The greatest σ of a new spread; null for the grid's own.</summary>
    public double? GreatestSigma { get; init; }

    /// <summary>Whether σ between whole timesteps are found in ln σ, evenly over all of them.</summary>
    public bool IsLogLinear { get; init; }

    /// <summary>Whether the network is told ln(σ)/4 in the place of t.</summary>
    public bool TellsLogSigma { get; init; }

    /// <summary>Whether PNDM begins with multistep at once rather than with Runge and Kutta's method.</summary>
    public bool SkipsRungeKutta { get; init; }

    /// <summary>Steps of the solver that a consistency model was distilled from (LCM, TCD).</summary>
    public int OriginalSteps { get; init; } = 50;

    /// <summary>What LCM multiplies t by in its boundary condition.</summary>
    public double TimestepScaling { get; init; } = 10;
}

/// <summary>How the σ of a grid are spread between the first and the last.</summary>
public enum SigmaSpacing
{
    /// <summary>As the timesteps have them.</summary>
    Timesteps,

    /// <summary>Karras et al. 2022, equation 5.</summary>
    Karras,

    /// <summary>Evenly in ln σ.</summary>
    Exponential,

    /// <summary>By the quantiles of Beta(0.6, 0.6) (Lee et al. 2024, "Beta Sampling is All You Need").</summary>
    Beta,

    /// <summary>Evenly in λ (Lu et al. 2022).</summary>
    Lu,
}
