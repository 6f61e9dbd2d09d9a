using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation;

/// <summary>What a sampler takes of a scheduler's configuration besides its timesteps, in words for people.</summary>
/// <param name="Prediction">What the network's output means: <c>epsilon</c>.</param>
/// <param name="Betas">The noise of the timesteps: <c>linear 0.0001 to 0.02 over 1000</c>.</param>
/// <param name="ClipRange">Where estimates of x0 end: <c>1</c>, <c>none</c>, or a dynamic threshold.</param>
/// <param name="Variance">The variance of ancestral steps: <c>fixed_small</c>.</param>
/// <param name="FinalAlpha">What DDIM's last step goes to: <c>1</c>, or <c>that of timestep 0</c>.</param>
/// <param name="Solver">What is said of the solver and of continuous noise that its class does not have by itself:
/// <c>solver_order 3, use_karras_sigmas true</c>; null for nothing.</param>
public sealed record ScheduleIdentity(
    string Prediction,
    string Betas,
    string ClipRange,
    string Variance,
    string FinalAlpha,
    string? Solver = null
)
{
    private static readonly string[] ToldOtherwise =
    [
        "_class_name",
        "num_train_timesteps",
        "beta_start",
        "beta_end",
        "beta_schedule",
        "trained_betas",
        "rescale_betas_zero_snr",
        "snr_shift_scale",
        "prediction_type",
        // Which timesteps are visited has an identity of its own.
        "timestep_spacing",
        "steps_offset",
        "clip_sample",
        "clip_sample_range",
        "thresholding",
        "dynamic_thresholding_ratio",
        "sample_max_value",
        "set_alpha_to_one",
        "variance_type",
    ];

    /// <summary>The settings by name, in a fixed order.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Settings =>
        [
            new("prediction", Prediction),
            new("betas", Betas),
            new("clip range", ClipRange),
            new("variance", Variance),
            new("final alpha", FinalAlpha),
            new("solver", Solver ?? "usual"),
        ];

    /// <summary>The identity of a configuration.</summary>
    public static ScheduleIdentity Of(SchedulerConfig config)
    {
        // The words are diffusers', as in the file that a person would correct.
        var words = JsonNode.Parse(config.ToJson())!;
        return new(
            $"{words["prediction_type"]}",
            BetasOf(config, $"{words["beta_schedule"]}"),
            config.Thresholding is { } threshold
                    ? Invariant($"{threshold.Ratio} quantile, at most {threshold.MaximalValue}")
                : config.ClipRange is { } range ? Invariant($"{range}")
                : "none",
            $"{words["variance_type"]}",
            config.SetAlphaToOne ? "1" : "that of timestep 0",
            SolverOf(words.AsObject())
        );
    }

    /// <summary>What the other settings do not tell, where it is not what a configuration says that says nothing.</summary>
    private static string? SolverOf(JsonObject words)
    {
        var usual = JsonNode.Parse(new SchedulerConfig().ToJson())!;
        var own = words.Where(w => !ToldOtherwise.Contains(w.Key) && !JsonNode.DeepEquals(w.Value, usual[w.Key]));
        return
            string.Join(", ", own.Select(w => $"{w.Key} {w.Value?.ToJsonString() ?? "null"}")) is { Length: > 0 } text
            ? text
            : null;
    }

    private static string BetasOf(SchedulerConfig config, string formula)
    {
        const int HashDigits = 12;
        if (config.Path != NoisePathKind.Discrete)
        {
            return config.Path == NoisePathKind.Flow ? "flow" : "EDM";
        }

        var betas = config.TrainedBetas is { } list
            ? $"{list.Count} given, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(Bytes(list)))[..HashDigits]}"
            : Invariant($"{formula} {config.BetaStart} to {config.BetaEnd} over {config.TrainTimesteps}");
        return betas
            + (config.SnrShiftScale == 1 ? "" : Invariant($", SNR shifted by {config.SnrShiftScale}"))
            + (config.RescaleBetasZeroSnr ? ", rescaled to an SNR of 0" : "");
    }

    private static byte[] Bytes(IReadOnlyList<double> numbers) =>
        Encoding.UTF8.GetBytes(string.Join(',', numbers.Select(n => Invariant($"{n}"))));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
