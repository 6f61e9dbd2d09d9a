using System.Text.Json;
using System.Text.Json.Nodes;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// What a <c>scheduler_config.json</c> of diffusers says of the forward process and of the solver, with the defaults of its
/// class. Which classes are known is in the table of <see cref="SolverKind"/>.
/// </summary>
public sealed record SchedulerConfig
{
    /// <summary>The scheduler's class in diffusers (<c>_class_name</c>).</summary>
    public string ClassName { get; init; } = "DDPMScheduler";

    /// <summary>T, the number of timesteps of the forward process.</summary>
    public int TrainTimesteps { get; init; } = 1000;

    /// <summary>The first β.</summary>
    public double BetaStart { get; init; } = 0.0001;

    /// <summary>The last β.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>How β runs between them.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.Linear;

    /// <summary>All β, in place of a formula; null for a formula.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether ᾱ is rescaled so that the last is 0.</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>CogVideoX's shift s of the signal-to-noise ratio: ᾱ' = ᾱ/(s + (1−s)·ᾱ); 1 for none.</summary>
    public double SnrShiftScale { get; init; } = 1;

    /// <summary>The kind of forward process.</summary>
    public NoisePathKind Path { get; init; }

    /// <summary>What is said of the solver itself.</summary>
    public SolverOptions Solver { get; init; } = new();

    /// <summary>How a flow's σ are shifted.</summary>
    public FlowOptions Flow { get; init; } = new();

    /// <summary>The σ of Karras' models.</summary>
    public EdmOptions Edm { get; init; } = new();

    /// <summary>What the network's output means.</summary>
    public PredictionType Prediction { get; init; } = PredictionType.Epsilon;

    /// <summary>How sampled timesteps are spread over the trained ones.</summary>
    public TimestepSpacing Spacing { get; init; } = TimestepSpacing.Leading;

    /// <summary>Added to every timestep of leading spacing.</summary>
    public int StepsOffset { get; init; }

    /// <summary>Estimates of x0 are clamped to plus and minus this; null for no clamping.</summary>
    public double? ClipRange { get; init; }

    /// <summary>Dynamic thresholding of estimates of x0, which then takes the place of clamping; null for none.</summary>
    public DynamicThreshold? Thresholding { get; init; }

    /// <summary>Whether DDIM's last step goes to ᾱ = 1 (no noise), rather than to ᾱ_0.</summary>
    public bool SetAlphaToOne { get; init; } = true;

    /// <summary>The variance of ancestral steps.</summary>
    public VarianceType Variance { get; init; } = VarianceType.FixedSmall;

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046, DQ1048: it cannot be read, a value is bad, or the
    /// scheduler is not known.</exception>
    public static SchedulerConfig Load(string path) => SchedulerConfigReader.Read(JsonConfig.Load(path));

    /// <summary>Reads the text of a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">The JSON object.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046, DQ1048: as for <see cref="Load"/>.</exception>
    public static SchedulerConfig Parse(string json, string name = "scheduler_config.json") =>
        SchedulerConfigReader.Read(JsonConfig.Parse(json, name));

    /// <summary>The configuration as diffusers would write it, every value spelled out.</summary>
    public string ToJson()
    {
        var json = new JsonObject
        {
            ["_class_name"] = ClassName,
            ["num_train_timesteps"] = TrainTimesteps,
            ["beta_start"] = BetaStart,
            ["beta_end"] = BetaEnd,
            ["beta_schedule"] = SchedulerConfigReader.BetaSchedules.Single(p => p.Value == BetaSchedule).Key,
            ["trained_betas"] = TrainedBetas is null
                ? null
                : new JsonArray([.. TrainedBetas.Select(b => JsonValue.Create(b))]),
            ["rescale_betas_zero_snr"] = RescaleBetasZeroSnr,
            ["prediction_type"] = SchedulerConfigReader.Predictions.Single(p => p.Value == Prediction).Key,
            ["timestep_spacing"] = SchedulerConfigReader.Spacings.Single(p => p.Value == Spacing).Key,
            ["steps_offset"] = StepsOffset,
            ["clip_sample"] = ClipRange is not null,
            ["clip_sample_range"] = ClipRange ?? 1,
            ["thresholding"] = Thresholding is not null,
            ["dynamic_thresholding_ratio"] = (Thresholding ?? new()).Ratio,
            ["sample_max_value"] = (Thresholding ?? new()).MaximalValue,
            ["set_alpha_to_one"] = SetAlphaToOne,
            ["variance_type"] = SchedulerConfigReader.Variances.First(p => p.Value == Variance).Key,
        };
        if (SnrShiftScale != 1)
        {
            json["snr_shift_scale"] = SnrShiftScale;
        }

        SolverOptionsReader.Write(json, this);

        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }
}
