namespace DiffusionQuant.Diffusion;

/// <summary>The shape of one sample.</summary>
/// <param name="Channels">C: 1 or 3 for pixels, 4 or 16 for latents.</param>
/// <param name="Height">H, in pixels or latent cells.</param>
/// <param name="Width">W, in pixels or latent cells.</param>
public readonly record struct SampleShape(int Channels, int Height, int Width)
{
    /// <summary>C·H·W.</summary>
    public int Length => checked(Channels * Height * Width);

    /// <inheritdoc/>
    public override string ToString() => $"{Channels}×{Height}×{Width}";
}
