namespace DiffusionQuant.Diffusion;

/// <summary>A picture in memory, gray or RGB.</summary>
public class Picture
{
    /// <summary>Takes pixels.</summary>
    /// <param name="shape">C (1 or 3), H and W.</param>
    /// <param name="pixels">C·H·W numbers, one channel after another, −1 black to 1 white.</param>
    /// <exception cref="ArgumentException">The number of channels or of pixels does not fit.</exception>
    public Picture(SampleShape shape, float[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (shape.Channels is not (1 or 3) || pixels.Length != shape.Length)
        {
            throw new ArgumentException($"{pixels.Length} pixels do not make an image of {shape}.", nameof(pixels));
        }

        Shape = shape;
        Pixels = pixels;
    }

    /// <summary>C, H and W.</summary>
    public SampleShape Shape { get; }

    /// <summary>1 for gray, 3 for RGB.</summary>
    public int Channels => Shape.Channels;

    /// <summary>Pixels from top to bottom.</summary>
    public int Height => Shape.Height;

    /// <summary>Pixels from left to right.</summary>
    public int Width => Shape.Width;

    /// <summary>C·H·W numbers, one channel after another, −1 black to 1 white; a sampler may leave a few outside.</summary>
    public float[] Pixels { get; }

    /// <summary>Takes bytes: rows from the top, channels side by side, 0 black to 255 white.</summary>
    /// <param name="shape">C (1 or 3), H and W.</param>
    /// <param name="bytes">H·W·C bytes.</param>
    /// <exception cref="ArgumentException">The number of channels or of bytes does not fit.</exception>
    public static Picture FromBytes(SampleShape shape, ReadOnlySpan<byte> bytes)
    {
        var (pixels, area) = (new float[bytes.Length], shape.Height * shape.Width);
        for (var i = 0; i < bytes.Length; i++)
        {
            pixels[(i % shape.Channels * area) + (i / shape.Channels)] = (bytes[i] / 127.5f) - 1;
        }

        return new(shape, pixels);
    }

    /// <summary>The picture as bytes: rows from the top, channels side by side, 0 black to 255 white.</summary>
    public byte[] ToBytes()
    {
        var area = Height * Width;
        var bytes = new byte[Pixels.Length];
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var i = 0; i < area; i++)
            {
                var value = (Pixels[(channel * area) + i] + 1) * 127.5f;
                bytes[(i * Channels) + channel] = (byte)Math.Clamp(MathF.Round(value), 0, 255);
            }
        }

        return bytes;
    }

    /// <summary>Writes the picture as PNG.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1059: the file cannot be written.</exception>
    public void SavePng(string path) => PngWriter.Save(path, ToBytes(), Width, Height, Channels);
}
