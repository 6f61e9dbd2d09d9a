namespace DiffusionQuant.Diffusion;

/// <summary>What a VAE's decoder takes of a latent z: z / <see cref="Factor"/> + <see cref="Shift"/>.</summary>
/// <param name="Factor"><c>scaling_factor</c> of the VAE's config.json.</param>
/// <param name="Shift"><c>shift_factor</c> of the VAE's config.json.</param>
public sealed record LatentScaling(double Factor, double Shift)
{
    // Stable Diffusion's, and the default of AutoencoderKL in diffusers.
    private const double UsualFactor = 0.18215;
    private const double SdxlFactor = 0.13025;

    /// <summary>Reads the config.json beside a decoder or in the folder <c>vae</c>; where there is none, it is Stable
    /// Diffusion's.</summary>
    /// <param name="decoderPath">The decoder's file.</param>
    /// <param name="denoiser">The model whose latents it decodes.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1045, DQ1046: the config.json cannot be read. DQ1054: there is
    /// none, and latents of so many channels have no usual factor.</exception>
    public static LatentScaling Of(string decoderPath, DenoiserContract denoiser)
    {
        var config = ConfigPaths(decoderPath).Where(File.Exists).Select(JsonConfig.Load).FirstOrDefault();
        if (config is null && denoiser.SampleShape.Channels != 4)
        {
            throw DiffusionErrors.NoImages(
                denoiser.Path,
                $"the scaling_factor of {denoiser.SampleShape.Channels}-channel latents is not known, for the VAE decoder has no config.json"
            );
        }

        var usual = denoiser.Inputs.Any(i => i.Role == DenoiserRole.TimeIds) ? SdxlFactor : UsualFactor;
        return new(
            config?.Number("scaling_factor", usual, n => n > 0, "a positive number is expected") ?? usual,
            config?.Number("shift_factor", 0, _ => true, "a number is expected") ?? 0
        );
    }

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
}
