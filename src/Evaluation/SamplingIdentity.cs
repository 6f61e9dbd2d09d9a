using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation;

/// <summary>How images were generated: everything that can change a sample but the weights and the number of images.</summary>
/// <param name="Sampler">The sampler's word: <c>ddim</c>.</param>
/// <param name="Steps">Sampling steps.</param>
/// <param name="TimestepsSha256">SHA-256 over the timesteps, because two grids may have as many.</param>
/// <param name="Eta">DDIM's η.</param>
/// <param name="ClipSample">Whether estimates of x0 were clipped; null for as the model's scheduler says.</param>
/// <param name="Seed">The seed of the noise: image k depends on it and on k alone.</param>
/// <param name="GuidanceScale">The scale of classifier-free guidance; 1 for none.</param>
/// <param name="ConditioningSha256">What was given for inputs that cannot be made up; null for nothing.</param>
public sealed record SamplingIdentity(
    string Sampler,
    int Steps,
    string TimestepsSha256,
    double Eta,
    bool? ClipSample,
    ulong Seed,
    double GuidanceScale = 1,
    string? ConditioningSha256 = null
)
{
    /// <summary>φ of guidance's rescaling; 0 for none.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Class labels that were given in place of drawn ones, with commas between; null for none.</summary>
    public string? ClassLabels { get; init; }

    /// <summary>The noise schedule; null in files of versions that did not write it.</summary>
    public ScheduleIdentity? Schedule { get; init; }

    /// <summary>How the network is called; null as above.</summary>
    public DenoiserIdentity? Denoiser { get; init; }

    /// <summary>What makes images of latents; null for nothing, or as above.</summary>
    public DecoderIdentity? Decoder { get; init; }

    /// <summary>All settings by name, for messages and keys, in a fixed order. What a file of an earlier version does not
    /// tell is left out.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Settings =>
        [
            new("sampler", Sampler),
            new("steps", Text(Steps)),
            new("timesteps", TimestepsSha256),
            new("eta", Text(Eta)),
            new("clipping", ClipSample?.ToString().ToLowerInvariant() ?? "the model's"),
            new("seed", Text(Seed)),
            new("guidance", Text(GuidanceScale)),
            new("guidance rescale", Text(GuidanceRescale)),
            new("conditioning", ConditioningSha256 ?? "none"),
            .. Schedule is null || Denoiser is null
                ? (IEnumerable<KeyValuePair<string, string>>)[]
                :
                [
                    new("class labels", ClassLabels ?? "drawn"),
                    .. Schedule.Settings,
                    .. Denoiser.Settings,
                    new("decoder", Decoder?.ToString() ?? "none"),
                ],
        ];

    /// <summary>The identity of a sampling run.</summary>
    /// <param name="model">The model, with the schedule that it is sampled by.</param>
    /// <param name="settings">Sampler, seed, labels and guidance.</param>
    /// <param name="conditioning">The file or folder that the settings' conditioning was read from; null for none.</param>
    /// <param name="prompts">The file of prompts that the model's text encoders read; null for none.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049: the timesteps are not usable. The VAE decoder cannot be
    /// read.</exception>
    public static SamplingIdentity Of(
        DiffusionModel model,
        TrajectorySettings settings,
        string? conditioning,
        string? prompts = null
    )
    {
        var sampler = settings.Sampler;
        var timesteps = sampler.CreateSolver(model.Schedule).Timesteps;
        return new(
            sampler.KindFor(model.Schedule.Config).Name,
            timesteps.Count,
            HashOf(timesteps),
            sampler.Eta ?? 0,
            sampler.ClipSample,
            settings.Seed,
            settings.GuidanceScale,
            Given(model, conditioning, prompts)
        )
        {
            GuidanceRescale = settings.GuidanceRescale,
            ClassLabels = settings.ClassLabels is { Count: > 0 } labels ? string.Join(',', labels) : null,
            Schedule = ScheduleIdentity.Of(sampler.Apply(model.Schedule.Config)),
            Denoiser = DenoiserIdentity.Of(model.Contract),
            Decoder = model.VaeDecoderPath is { } decoder ? DecoderIdentity.Of(decoder, model.Contract) : null,
        };
    }

    /// <summary>Over arrays that were given, or prompts and all that reads them, or both.</summary>
    private static string? Given(DiffusionModel model, string? conditioning, string? prompts)
    {
        var arrays = conditioning is null ? null : RecipeContent.HashOf(conditioning, "*.npy");
        if (prompts is null)
        {
            return arrays;
        }

        using var encoder = PromptEncoder.Of(model);
        var parts = $"{arrays} {RecipeContent.HashOf(prompts)} {encoder.ContentSha256()}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(parts)));
    }

    /// <summary>Over int32 numbers where all are such, else over float64.</summary>
    private static string HashOf(IReadOnlyList<double> timesteps)
    {
        var areWhole = timesteps.All(t => t == (int)t);
        var bytes = timesteps.SelectMany(t => areWhole ? BitConverter.GetBytes((int)t) : BitConverter.GetBytes(t));
        return Convert.ToHexStringLower(SHA256.HashData([.. bytes]));
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
