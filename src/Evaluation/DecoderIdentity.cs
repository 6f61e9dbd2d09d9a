using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation;

/// <summary>What makes images of latents.</summary>
/// <param name="Sha256">Over the decoder's graph and its external data, in lower-case hexadecimal.</param>
/// <param name="ScalingFactor">What latents are divided by.</param>
/// <param name="ShiftFactor">What is added then.</param>
public sealed record DecoderIdentity(string Sha256, double ScalingFactor, double ShiftFactor)
{
    /// <summary>Means and deviations of the latents' channels, with commas between; null for none.</summary>
    public string? PerChannel { get; init; }

    /// <summary>The identity of a decoder's file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="denoiser">The model whose latents it decodes.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">It or its config.json cannot be read.</exception>
    public static DecoderIdentity Of(string path, DenoiserContract denoiser)
    {
        var scaling = LatentScaling.Of(path, denoiser);
        return new(SourceHash.Of(path, OnnxModel.Load(path)), scaling.Factor, scaling.Shift)
        {
            PerChannel =
                scaling.Means.Count + scaling.Deviations.Count == 0
                    ? null
                    : $"{Numbers(scaling.Means)}; {Numbers(scaling.Deviations)}",
        };
    }

    /// <summary>The hash and the factors.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Sha256} scaled by {ScalingFactor}, shifted by {ShiftFactor}")
        + (PerChannel is null ? "" : $", channels {PerChannel}");

    private static string Numbers(IReadOnlyList<double> values) =>
        string.Join(", ", values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
}
