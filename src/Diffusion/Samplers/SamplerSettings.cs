namespace DiffusionQuant.Diffusion;

/// <summary>Which sampler with which settings and over which grid: all of a sampling run but the model and the seed.</summary>
public sealed record SamplerSettings
{
    /// <summary>DDIM with η = 0 and as many steps as usual.</summary>
    public static SamplerSettings Default { get; } = new();

    /// <summary>Which sampler.</summary>
    public SamplerKind Kind { get; init; } = SamplerKind.Ddim;

    /// <summary>The number of steps; null for 50 of DDIM, for all trained timesteps of DDPM.</summary>
    public int? Steps { get; init; }

    /// <summary>DDIM's η, 0 to 1.</summary>
    public double Eta { get; init; }

    /// <summary>DDPM's variance, if another than the config's.</summary>
    public VarianceType? Variance { get; init; }

    /// <summary>Whether estimates of x0 are clipped: as the config says (null), not at all (false), or to the config's range or
    /// else −1 to 1 (true).</summary>
    public bool? ClipSample { get; init; }

    /// <summary>The spacing of a uniform grid, if another than the config's.</summary>
    public TimestepSpacing? Spacing { get; init; }

    /// <summary>Whether the grid is <see cref="TimestepGrid.Quadratic"/> rather than uniform.</summary>
    public bool Quadratic { get; init; }

    /// <summary>An explicit list of timesteps, whole or not, in place of any other grid.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

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

    /// <summary>The sampler.</summary>
    /// <param name="schedule">The model's schedule.</param>
    public ISampler CreateSampler(NoiseSchedule schedule)
    {
        var effective = new NoiseSchedule(Apply(schedule.Config));
        return Kind switch
        {
            SamplerKind.Ddim => new DdimSampler(effective, Eta),
            SamplerKind.Ddpm => new DdpmSampler(effective),
            _ => throw DiffusionErrors.BadSettings("Kind", Kind.ToString(), "it must be Ddim or Ddpm"),
        };
    }

    /// <summary>The timesteps.</summary>
    /// <param name="schedule">The model's schedule.</param>
    public TimestepGrid CreateGrid(NoiseSchedule schedule)
    {
        if (Timesteps is not null)
        {
            return TimestepGrid.Of(schedule, [.. Timesteps]);
        }

        const int UsualDdimSteps = 50;
        var steps =
            Steps
            ?? (Kind == SamplerKind.Ddpm ? schedule.TrainTimesteps : Math.Min(UsualDdimSteps, schedule.TrainTimesteps));
        return Quadratic ? TimestepGrid.Quadratic(schedule, steps) : TimestepGrid.Uniform(schedule, steps, Spacing);
    }
}
