namespace DiffusionQuant.Diffusion;

/// <summary>Reads what concerns the noise schedule from the config of any discrete scheduler of diffusers.</summary>
internal static class SchedulerConfigReader
{
    public static readonly IReadOnlyDictionary<string, BetaSchedule> BetaSchedules = new OrderedDictionary<
        string,
        BetaSchedule
    >
    {
        ["linear"] = BetaSchedule.Linear,
        ["scaled_linear"] = BetaSchedule.ScaledLinear,
        ["squaredcos_cap_v2"] = BetaSchedule.SquaredCosine,
        ["sigmoid"] = BetaSchedule.Sigmoid,
    };

    public static readonly IReadOnlyDictionary<string, PredictionType> Predictions = new OrderedDictionary<
        string,
        PredictionType
    >
    {
        ["epsilon"] = PredictionType.Epsilon,
        ["v_prediction"] = PredictionType.Velocity,
        ["sample"] = PredictionType.Sample,
        ["flow_prediction"] = PredictionType.Flow,
    };

    public static readonly IReadOnlyDictionary<string, TimestepSpacing> Spacings = new OrderedDictionary<
        string,
        TimestepSpacing
    >
    {
        ["leading"] = TimestepSpacing.Leading,
        ["linspace"] = TimestepSpacing.Linspace,
        ["trailing"] = TimestepSpacing.Trailing,
    };

    // The "log" forms only change how diffusers carries the same variance through its code.
    public static readonly IReadOnlyDictionary<string, VarianceType> Variances = new OrderedDictionary<
        string,
        VarianceType
    >
    {
        ["fixed_small"] = VarianceType.FixedSmall,
        ["fixed_small_log"] = VarianceType.FixedSmall,
        ["fixed_large"] = VarianceType.FixedLarge,
        ["fixed_large_log"] = VarianceType.FixedLarge,
        ["learned"] = VarianceType.Learned,
        ["learned_range"] = VarianceType.LearnedRange,
    };

    // Schedulers whose default spacing is diffusers' older np.linspace grid.
    private static readonly string[] LinspaceByDefault =
    [
        "Euler",
        "LMS",
        "Heun",
        "DPMSolver",
        "UniPC",
        "DEIS",
        "KDPM2",
        "SASolver",
    ];

    public static SchedulerConfig Read(JsonConfig json)
    {
        var className = json.Text("_class_name", "DDPMScheduler");
        if (SolverKind.OfClass(className) is null)
        {
            throw DiffusionErrors.UnknownScheduler(json.Name, className);
        }

        var isCogVideo = className.StartsWith("CogVideoX", StringComparison.Ordinal);
        var isLcm =
            className.StartsWith("LCM", StringComparison.Ordinal)
            || className.StartsWith("TCD", StringComparison.Ordinal);
        var hasStableDiffusionBetas = isCogVideo || isLcm;
        var clips = json.Flag(
            className.StartsWith("CM", StringComparison.Ordinal) ? "clip_denoised" : "clip_sample",
            ClipsByDefault(className)
        );
        var thresholds = json.Flag("thresholding", false);
        var spacing = LinspaceByDefault.Any(className.Contains) ? TimestepSpacing.Linspace : TimestepSpacing.Leading;

        static bool IsBeta(double b) => b is > 0 and <= 1;
        const string Beta = "a number above 0 and at most 1 is expected";
        const string Positive = "a positive number is expected";
        var trained = json.Numbers("trained_betas", IsBeta, Beta);
        if (trained is { Length: 0 })
        {
            throw DiffusionErrors.BadConfigValue(
                json.Name,
                "trained_betas",
                "empty",
                "at least one number is expected"
            );
        }

        var path = SolverOptionsReader.PathOf(json, className);
        var config = new SchedulerConfig
        {
            ClassName = className,
            Path = path,
            Solver = SolverOptionsReader.Solver(json, className),
            Flow = path == NoisePathKind.Flow ? SolverOptionsReader.Flow(json, className) : new(),
            Edm = path == NoisePathKind.Edm ? SolverOptionsReader.Edm(json, className) : new(),
            TrainTimesteps =
                trained?.Length
                ?? json.Whole(
                    "num_train_timesteps",
                    className.StartsWith("CM", StringComparison.Ordinal) ? 40 : 1000,
                    1,
                    1_000_000
                ),
            BetaStart = json.Number("beta_start", hasStableDiffusionBetas ? 0.00085 : 0.0001, IsBeta, Beta),
            BetaEnd = json.Number("beta_end", hasStableDiffusionBetas ? 0.012 : 0.02, IsBeta, Beta),
            BetaSchedule = json.Choice(
                "beta_schedule",
                hasStableDiffusionBetas ? BetaSchedule.ScaledLinear : BetaSchedule.Linear,
                BetaSchedules
            ),
            TrainedBetas = trained,
            RescaleBetasZeroSnr = json.Flag("rescale_betas_zero_snr", false),
            SnrShiftScale = json.Number("snr_shift_scale", isCogVideo ? 3 : 1, n => n > 0, Positive),
            Prediction =
                path == NoisePathKind.Flow
                    ? PredictionType.Flow
                    : json.Choice("prediction_type", PredictionType.Epsilon, Predictions),
            Spacing = json.Choice("timestep_spacing", spacing, Spacings),
            StepsOffset = json.Whole("steps_offset", 0, 0, 1_000_000),
            ClipRange = clips ? json.Number("clip_sample_range", 1, n => n > 0, Positive) : null,
            Thresholding = thresholds
                ? new(
                    json.Number(
                        "dynamic_thresholding_ratio",
                        0.995,
                        n => n is > 0 and <= 1,
                        "a number above 0 and at most 1 is expected"
                    ),
                    json.Number("sample_max_value", 1, n => n >= 1, "a number of at least 1 is expected")
                )
                : null,
            SetAlphaToOne = json.Flag("set_alpha_to_one", !className.StartsWith("PNDM", StringComparison.Ordinal)),
            Variance = json.Choice("variance_type", VarianceType.FixedSmall, Variances),
        };
        if (config.RescaleBetasZeroSnr && config.Prediction == PredictionType.Epsilon)
        {
            // At a signal of 0 no noise estimate tells x0; diffusers itself then divides by zero.
            throw DiffusionErrors.BadConfigValue(
                json.Name,
                "prediction_type",
                "epsilon",
                "with rescale_betas_zero_snr it must be v_prediction or sample"
            );
        }

        return config;
    }

    private static bool ClipsByDefault(string className) =>
        className.StartsWith("DDPM", StringComparison.Ordinal)
        || className.Contains("DDIM", StringComparison.Ordinal)
        || className.StartsWith("CM", StringComparison.Ordinal);
}
