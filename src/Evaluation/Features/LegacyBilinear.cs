namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// TensorFlow 1's <c>resize_bilinear</c> with <c>align_corners=False</c> and without half-pixel centres: new pixel i lies at
/// i·(old size / new size), between the two old pixels beside it. An image that shrinks is aliased, which is part of the
/// definition of FID. All arithmetic is float32, as there.
/// </summary>
internal static class LegacyBilinear
{
    public static float[] Resize(float[] pixels, int width, int height, int channels, int newWidth, int newHeight)
    {
        var columns = Positions(width, newWidth);
        var rows = Positions(height, newHeight);
        var result = new float[newWidth * newHeight * channels];
        var at = 0;
        foreach (var (above, below, down) in rows)
        {
            var top = pixels.AsSpan(above * width * channels, width * channels);
            var bottom = pixels.AsSpan(below * width * channels, width * channels);
            foreach (var (left, right, across) in columns)
            {
                for (var c = 0; c < channels; c++)
                {
                    var l = (left * channels) + c;
                    var r = (right * channels) + c;
                    var upper = top[l] + ((top[r] - top[l]) * across);
                    var lower = bottom[l] + ((bottom[r] - bottom[l]) * across);
                    result[at++] = upper + ((lower - upper) * down);
                }
            }
        }

        return result;
    }

    private static (int Lower, int Upper, float Share)[] Positions(int size, int newSize)
    {
        var scale = size / (float)newSize;
        var result = new (int, int, float)[newSize];
        for (var i = 0; i < newSize; i++)
        {
            var position = i * scale;
            var lower = Math.Min((int)position, size - 1);
            result[i] = (lower, Math.Min(lower + 1, size - 1), position - lower);
        }

        return result;
    }
}
