namespace DiffusionQuant.Diffusion;

/// <summary>Several images side by side in one.</summary>
public static class ImageGrid
{
    private const int Gap = 1;

    /// <summary>Writes images of one size as a PNG, in as many rows as columns or one less.</summary>
    /// <param name="images">The images.</param>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="ArgumentException">There are no images, or they differ in shape.</exception>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1059: the file cannot be written.</exception>
    public static void SavePng(this IReadOnlyList<GeneratedImage> images, string path) =>
        SavePng(images, Math.Max(1, (int)Math.Ceiling(Math.Sqrt(images.Count))), path);

    /// <summary>Writes images of one size as a PNG, in rows from the left, with a black line between.</summary>
    /// <param name="images">The images.</param>
    /// <param name="columns">How many to a row.</param>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="ArgumentException">There are no images, or they differ in shape.</exception>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1059: the file cannot be written.</exception>
    public static void SavePng(IReadOnlyList<GeneratedImage> images, int columns, string path)
    {
        if (images.Count == 0 || images.Any(i => i.Shape != images[0].Shape))
        {
            throw new ArgumentException("A grid takes at least one image, all of one shape.", nameof(images));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        var shape = images[0].Shape;
        columns = Math.Min(columns, images.Count);
        var rows = (images.Count + columns - 1) / columns;
        var width = (columns * (shape.Width + Gap)) - Gap;
        var height = (rows * (shape.Height + Gap)) - Gap;
        var canvas = new byte[width * height * shape.Channels];
        var stride = shape.Width * shape.Channels;
        for (var i = 0; i < images.Count; i++)
        {
            var pixels = images[i].ToBytes();
            var left = i % columns * (shape.Width + Gap);
            var top = i / columns * (shape.Height + Gap);
            for (var y = 0; y < shape.Height; y++)
            {
                pixels.AsSpan(y * stride, stride).CopyTo(canvas.AsSpan((((top + y) * width) + left) * shape.Channels));
            }
        }

        PngWriter.Save(path, canvas, width, height, shape.Channels);
    }
}
