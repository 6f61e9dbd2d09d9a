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
public sealed record ScheduleIdentity(
    string Prediction,
    string Betas,
    string ClipRange,
    string Variance,
    string FinalAlpha
)
{
    /// <summary>The settings by name, in a fixed order.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Settings =>
        [
            new("prediction", Prediction),
            new("betas", Betas),
            new("clip range", ClipRange),
            new("variance", Variance),
            new("final alpha", FinalAlpha),
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
            config.SetAlphaToOne ? "1" : "that of timestep 0"
        );
    }

    private static string BetasOf(SchedulerConfig config, string formula)
    {
        const int HashDigits = 12;
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
