using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>Which solver with which settings and over which grid: all of a sampling run but the model and the seed.</summary>
public sealed record SamplerSettings
{
    /// <summary>Steps of most solvers where nobody says how many.</summary>
    internal const int UsualSteps = 50;

    /// <summary>The model's own solver with as many steps as usual.</summary>
    public static SamplerSettings Default { get; } = new();

    /// <summary>Which solver; null for the one that the model's scheduler_config.json names, DDIM in the place of DDPM.</summary>
    public SolverKind? Kind { get; init; }

    /// <summary>The number of steps; null for 50, for all trained timesteps of DDPM, and for few of distilled models.</summary>
    public int? Steps { get; init; }

    /// <summary>η of DDIM, γ of TCD, 0 to 1; null for 0 and 0.3.</summary>
    public double? Eta { get; init; }

    /// <summary>DDPM's variance, if another than the config's.</summary>
    public VarianceType? Variance { get; init; }

    /// <summary>Whether estimates of x0 are clipped: as the config says (null), not at all (false), or to the config's range or
    /// else −1 to 1 (true).</summary>
    public bool? ClipSample { get; init; }

    /// <summary>The spacing of an even grid over a discrete schedule, if another than the config's.</summary>
    public TimestepSpacing? Spacing { get; init; }

    /// <summary>Whether the grid is <see cref="TimestepGrid.Quadratic"/> rather than even.</summary>
    public bool Quadratic { get; init; }

    /// <summary>An explicit list of timesteps, whole or not, in place of any other grid.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>How many tokens a picture has, which the shift of some flows goes by; null for the longest.</summary>
    public int? SequenceLength { get; init; }

    /// <summary>Whether σ of a flow run evenly from 1 to 1/n before the shift, as Flux' pipeline gives them, rather than to the
    /// least trained one; null for whether the shift goes by the number of tokens.</summary>
    public bool? EvenFlow { get; init; }

    /// <summary>The solver for a model.</summary>
    /// <param name="config">The model's scheduler.</param>
    public SolverKind KindFor(SchedulerConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (Kind is not null)
        {
            return Kind;
        }

        var own = SolverKind.OfClass(config.ClassName);
        // A thousand calls are what nobody means who does not say so.
        return own is null || own.TakesAllTimesteps
            ? config.Path == NoisePathKind.Discrete
                ? DdimSolver.Kind
                : EulerSolver.Kind
            : own;
    }

    /// <summary>A model's configuration with what these settings put in the place of its own: clipping and variance.</summary>
    /// <param name="config">The model's.</param>
    public SchedulerConfig Apply(SchedulerConfig config) =>
        config with
        {
            ClipRange = ClipSample switch
            {
                false => null,
                true => config.ClipRange ?? 1,
                null => config.ClipRange,
            },
            Thresholding = ClipSample == false ? null : config.Thresholding,
            Variance = Variance ?? config.Variance,
        };

    /// <summary>The solver, laid out.</summary>
    /// <param name="path">The model's forward process.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049, DQ1058, DQ1060: steps or settings do not fit the model.</exception>
    public Solver CreateSolver(NoisePath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Steps is < 1)
        {
            throw DiffusionErrors.BadTimesteps($"{Steps} steps are wanted");
        }

        var kind = KindFor(path.Config);
        if (Eta is > 0 && !kind.TakesEta)
        {
            throw DiffusionErrors.BadSettings(
                "eta",
                Eta.Value.ToString(CultureInfo.InvariantCulture),
                $"it means nothing to the sampler {kind}"
            );
        }

        return kind.Fits(path)
            ? kind.Make(NoisePath.Of(Apply(path.Config)), this)
            : throw DiffusionErrors.SolverDoesNotFit(kind, path);
    }

    /// <summary>Whole timesteps of a discrete schedule, as DDIM visits them.</summary>
    internal TimestepGrid CreateGrid(NoiseSchedule schedule)
    {
        if (Timesteps is not null)
        {
            return TimestepGrid.Of(schedule, [.. Timesteps]);
        }

        var kind = KindFor(schedule.Config);
        var steps = StepsOr(
            kind.TakesAllTimesteps ? schedule.TrainTimesteps : Math.Min(kind.UsualSteps, schedule.TrainTimesteps)
        );
        return Quadratic ? TimestepGrid.Quadratic(schedule, steps) : TimestepGrid.Uniform(schedule, steps, Spacing);
    }

    /// <summary>The number of steps, or as many as usual.</summary>
    internal int StepsOr(int usual) => Timesteps?.Count ?? Steps ?? usual;
}
