namespace DiffusionQuant.Diffusion;

/// <summary>How the latents z of a denoiser and those of a VAE are related: the VAE's are z·d/<see cref="Factor"/> + m + <see cref="Shift"/>.</summary>
/// <param name="Factor"><c>scaling_factor</c> of the VAE's config.json.</param>
/// <param name="Shift"><c>shift_factor</c> of the VAE's config.json.</param>
public sealed record LatentScaling(double Factor, double Shift)
{
    // Stable Diffusion's, and the default of AutoencoderKL in diffusers.
    private const double UsualFactor = 0.18215;
    private const double SdxlFactor = 0.13025;
    private const int WideLatents = 16;

    /// <summary>m, one per channel (<c>latents_mean</c>); empty for zeros.</summary>
    public IReadOnlyList<double> Means { get; init; } = [];

    /// <summary>d, one per channel (<c>latents_std</c>); empty for ones.</summary>
    public IReadOnlyList<double> Deviations { get; init; } = [];

    /// <summary>Reads the config.json beside a decoder or in the folder <c>vae</c>; where there is none, it is that of the
    /// family which the denoiser's inputs tell.</summary>
    /// <param name="decoderPath">The decoder's file.</param>
    /// <param name="denoiser">The model whose latents it decodes.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046: the config.json cannot be read. DQ1054: there is
    /// none, and latents of so many channels have no usual factor.</exception>
    public static LatentScaling Of(string decoderPath, DenoiserContract denoiser)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        var config = ConfigPaths(decoderPath).Where(File.Exists).Select(JsonConfig.Load).FirstOrDefault();
        var usual = UsualOf(denoiser);
        if (config is null)
        {
            return usual
                ?? throw DiffusionErrors.NoImages(
                    denoiser.Path,
                    $"the scaling_factor of {denoiser.SampleShape.Channels}-channel latents is not known, for the VAE decoder has no config.json"
                );
        }

        const string Number = "a number is expected";
        var deviations = config.Numbers("latents_std", n => n > 0, "positive numbers are expected") ?? [];
        // Where there are deviations, they are all the scaling unless a factor stands beside them.
        var factor = deviations.Length > 0 ? 1 : (usual?.Factor ?? UsualFactor);
        var channels = denoiser.SampleShape.Channels;
        var means = config.Numbers("latents_mean", _ => true, Number) ?? [];
        foreach (var (key, list) in new[] { ("latents_mean", means), ("latents_std", deviations) })
        {
            if (list.Length > 0 && list.Length != channels)
            {
                throw DiffusionErrors.BadConfigValue(
                    config.Name,
                    key,
                    $"of {list.Length} numbers",
                    $"{channels} are expected, one for each channel of the latents"
                );
            }
        }

        return new(
            config.Number("scaling_factor", factor, n => n > 0, "a positive number is expected"),
            config.Number("shift_factor", 0, _ => true, Number)
        )
        {
            Means = means,
            Deviations = deviations,
        };
    }

    /// <summary>What the VAE's decoder takes of latents.</summary>
    /// <param name="latents">C·h·w numbers of a denoiser.</param>
    /// <param name="channels">C.</param>
    internal float[] ToDecoder(ReadOnlySpan<float> latents, int channels) => Map(latents, channels, false);

    /// <summary>What a denoiser takes of the latents that the VAE's encoder gives.</summary>
    /// <param name="latents">C·h·w numbers of the encoder.</param>
    /// <param name="channels">C.</param>
    internal float[] FromEncoder(ReadOnlySpan<float> latents, int channels) => Map(latents, channels, true);

    /// <summary>Where a decoder's config.json is looked for.</summary>
    internal static IReadOnlyList<string> ConfigPaths(string decoderPath)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(decoderPath))!;
        return
        [
            Path.Combine(folder, "config.json"),
            Path.Combine(Path.GetDirectoryName(folder) ?? folder, "vae", "config.json"),
        ];
    }

    private float[] Map(ReadOnlySpan<float> latents, int channels, bool isInverse)
    {
        var (result, area) = (new float[latents.Length], latents.Length / channels);
        for (var c = 0; c < channels; c++)
        {
            var scale = (Deviations.Count > 0 ? Deviations[c] : 1) / Factor;
            var offset = (Means.Count > 0 ? Means[c] : 0) + Shift;
            for (var i = c * area; i < (c + 1) * area; i++)
            {
                result[i] = (float)(isInverse ? (latents[i] - offset) / scale : (latents[i] * scale) + offset);
            }
        }

        return result;
    }

    private static LatentScaling? UsualOf(DenoiserContract denoiser)
    {
        bool Has(DenoiserRole role) => denoiser.Inputs.Any(i => i.Role == role);
        return denoiser.SampleShape.Channels switch
        {
            4 => new(Has(DenoiserRole.TimeIds) ? SdxlFactor : UsualFactor, 0),
            WideLatents when denoiser.Packing is not null => new(0.3611, 0.1159),
            WideLatents when Has(DenoiserRole.PooledText) => new(1.5305, 0.0609),
            _ => null,
        };
    }
}
