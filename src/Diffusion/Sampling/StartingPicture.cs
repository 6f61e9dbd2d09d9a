using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>What image-to-image and inpainting start from.</summary>
/// <param name="Latents">x0, C·H·W numbers as the denoiser takes them.</param>
/// <param name="Strength">The share of the steps that are taken, above 0 and at most 1: how much of the picture is changed
/// (Meng et al. 2022, "SDEdit").</param>
public sealed record StartingPicture(float[] Latents, double Strength)
{
    /// <summary>Where the picture is made anew, H·W numbers, 1 there and 0 where it stays; null for everywhere. What stays is
    /// put back behind every step (Lugmayr et al. 2022, "RePaint", equation 8, without its resampling).</summary>
    public float[]? Mask { get; init; }

    /// <summary>Says what does not fit a denoiser.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058: strength, latents or mask.</exception>
    internal void Check(DenoiserContract contract)
    {
        if (!(Strength is > 0 and <= 1))
        {
            throw DiffusionErrors.BadSettings(
                "strength",
                Strength.ToString(CultureInfo.InvariantCulture),
                "a number above 0 and at most 1 is expected"
            );
        }

        var shape = contract.SampleShape;
        if (Latents.Length != shape.Length || (Mask is not null && Mask.Length != shape.Height * shape.Width))
        {
            throw DiffusionErrors.BadSettings(
                "starting picture",
                $"of {Latents.Length} numbers and a mask of {Mask?.Length ?? 0}",
                $"the denoiser takes {shape}"
            );
        }
    }
}
