namespace DiffusionQuant.Diffusion;

/// <summary>An image that a model made.</summary>
public sealed class GeneratedImage
{
    /// <summary>Makes an image of a sample.</summary>
    /// <param name="index">The image's index, which with the seed decides it.</param>
    /// <param name="shape">C (1 or 3), H and W.</param>
    /// <param name="pixels">C·H·W numbers, one channel after another, −1 black to 1 white.</param>
    /// <param name="classLabel">Its class, where the model has classes.</param>
    /// <exception cref="ArgumentException">The number of channels or of pixels does not fit.</exception>
    public GeneratedImage(int index, SampleShape shape, float[] pixels, int? classLabel = null)
    {
        if (shape.Channels is not (1 or 3) || pixels.Length != shape.Length)
        {
            throw new ArgumentException($"{pixels.Length} pixels do not make an image of {shape}.", nameof(pixels));
        }

        Index = index;
        Shape = shape;
        Pixels = pixels;
        ClassLabel = classLabel;
    }

    /// <summary>The image's index.</summary>
    public int Index { get; }

    /// <summary>C, H and W.</summary>
    public SampleShape Shape { get; }

    /// <summary>Its class, where the model has classes.</summary>
    public int? ClassLabel { get; }

    /// <summary>1 for gray, 3 for RGB.</summary>
    public int Channels => Shape.Channels;

    /// <summary>Pixels from top to bottom.</summary>
    public int Height => Shape.Height;

    /// <summary>Pixels from left to right.</summary>
    public int Width => Shape.Width;

    /// <summary>C·H·W numbers, one channel after another, −1 black to 1 white; a sampler may leave a few outside.</summary>
    public float[] Pixels { get; }

    /// <summary>The image as bytes: rows from the top, channels side by side, 0 black to 255 white.</summary>
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

    /// <summary>Writes the image as PNG.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1059: the file cannot be written.</exception>
    public void SavePng(string path) => PngWriter.Save(path, ToBytes(), Width, Height, Channels);
}
