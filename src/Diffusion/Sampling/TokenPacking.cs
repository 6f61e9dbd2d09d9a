namespace DiffusionQuant.Diffusion;

/// <summary>Latents as tokens, and back: a square of p×p cells is one token of C·p·p numbers, channel by channel (Flux).</summary>
internal static class TokenPacking
{
    /// <summary>N·C·H·W numbers as N·(H/p)·(W/p)·(C·p·p).</summary>
    public static float[] Pack(ReadOnlySpan<float> cells, SampleShape shape, int side) =>
        Move(cells, shape, side, toTokens: true);

    /// <summary>And back.</summary>
    public static float[] Unpack(ReadOnlySpan<float> tokens, SampleShape shape, int side) =>
        Move(tokens, shape, side, toTokens: false);

    private static float[] Move(ReadOnlySpan<float> source, SampleShape shape, int side, bool toTokens)
    {
        var result = new float[source.Length];
        var (width, area) = (shape.Width / side, side * side);
        for (var start = 0; start < source.Length; start += shape.Length)
        {
            for (var c = 0; c < shape.Channels; c++)
            {
                for (var y = 0; y < shape.Height; y++)
                {
                    for (var x = 0; x < shape.Width; x++)
                    {
                        var cell = start + (((c * shape.Height) + y) * shape.Width) + x;
                        var token = (y / side * width) + (x / side);
                        var place = (c * area) + (y % side * side) + (x % side);
                        var packed = start + (token * shape.Channels * area) + place;
                        if (toTokens)
                        {
                            result[packed] = source[cell];
                        }
                        else
                        {
                            result[cell] = source[packed];
                        }
                    }
                }
            }
        }

        return result;
    }
}
