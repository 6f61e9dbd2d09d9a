namespace DiffusionQuant.Diffusion;

/// <summary>
/// The forward process of a diffusion model, x_t = α(t)·x0 + σ(t)·ε over real t: what a network was trained on, whatever
/// solver goes back along it.
/// </summary>
/// <param name="config">The scheduler's configuration.</param>
public abstract class NoisePath(SchedulerConfig config)
{
    /// <summary>The settings it was made of.</summary>
    public SchedulerConfig Config { get; } = config;

    /// <summary>What the network's output means.</summary>
    public PredictionType Prediction => Config.Prediction;

    /// <summary>T, the number of timesteps that the network was trained at; of continuous paths the scale of t.</summary>
    public virtual int TrainTimesteps => Config.TrainTimesteps;

    /// <summary>α and σ at a timestep.</summary>
    /// <param name="timestep">t as the network is told it, whole or not.</param>
    public abstract NoiseLevel At(double timestep);

    /// <summary>The path that a configuration describes.</summary>
    /// <param name="config">The configuration.</param>
    public static NoisePath Of(SchedulerConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Path switch
        {
            NoisePathKind.Flow => new FlowPath(config),
            NoisePathKind.Edm => new EdmPath(config),
            _ => new NoiseSchedule(config),
        };
    }

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046, DQ1048: it cannot be read, a value is bad, or the
    /// scheduler is not known.</exception>
    public static NoisePath Load(string path) => Of(SchedulerConfig.Load(path));

    /// <summary>Reads the text of a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">The JSON object.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046, DQ1048: as for <see cref="Load"/>.</exception>
    public static NoisePath Parse(string json, string name = "scheduler_config.json") =>
        Of(SchedulerConfig.Parse(json, name));

    /// <summary>How samples and outputs are related along a run of a solver that steps over σ.</summary>
    /// <param name="isExploding">Whether the solver keeps x0 + σ·ε where the path itself preserves the variance.</param>
    internal abstract SigmaForm Form(bool isExploding);

    /// <summary>The timestep of a σ: of the ratio σ/α where the variance is preserved.</summary>
    internal abstract double TimestepOf(double sigma);

    /// <summary>The points at which a solver asks the network, and the σ behind the last.</summary>
    /// <param name="settings">The number of steps and what they are spread by.</param>
    /// <param name="style">The solver's family.</param>
    internal abstract SigmaGrid Grid(SamplerSettings settings, SigmaGridStyle style);
}

/// <summary>Signal and noise at a point of a path: x = <paramref name="Alpha"/>·x0 + <paramref name="Sigma"/>·ε.</summary>
/// <param name="Alpha">The factor of the clean sample.</param>
/// <param name="Sigma">The factor of the noise.</param>
public readonly record struct NoiseLevel(double Alpha, double Sigma)
{
    /// <summary>λ = ln(α/σ), half the logarithm of the signal-to-noise ratio (Lu et al. 2022, "DPM-Solver", section 3).</summary>
    public double Lambda => Math.Log(Alpha) - Math.Log(Sigma);
}

/// <summary>The kinds of forward processes.</summary>
public enum NoisePathKind
{
    /// <summary>α² + σ² = 1 at whole timesteps (<see cref="NoiseSchedule"/>).</summary>
    Discrete,

    /// <summary>α = 1 − σ (<see cref="FlowPath"/>).</summary>
    Flow,

    /// <summary>α = 1 (<see cref="EdmPath"/>).</summary>
    Edm,
}
