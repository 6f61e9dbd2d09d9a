namespace DiffusionQuant.Diffusion;

/// <summary>
/// A picture decoded piece by piece, so that memory is bounded by a tile's. Neighbours share a quarter of a tile, over which
/// one goes linearly into the other; statistics that a decoder takes over all of its input (group normalization) are a tile's.
/// </summary>
internal static class LatentTiles
{
    // As diffusers' enable_tiling.
    private const double Shared = 0.25;

    /// <summary>Decodes latents in tiles.</summary>
    /// <param name="latents">C·H·W numbers.</param>
    /// <param name="shape">C, H and W.</param>
    /// <param name="tile">Height and width of a tile in cells, at most those of the latents.</param>
    /// <param name="decode">Decodes a tile.</param>
    /// <returns>The picture's shape and numbers.</returns>
    public static (SampleShape Shape, float[] Pixels) Decode(
        ReadOnlySpan<float> latents,
        SampleShape shape,
        (int Height, int Width) tile,
        Func<float[], SampleShape, (SampleShape Shape, float[] Pixels)> decode
    )
    {
        var cells = shape with { Height = tile.Height, Width = tile.Width };
        var (rows, columns) = (Starts(shape.Height, tile.Height), Starts(shape.Width, tile.Width));
        SampleShape picture = default;
        double[] sums = [];
        double[] weights = [];
        foreach (var top in rows)
        {
            foreach (var left in columns)
            {
                var (small, pixels) = decode(Cut(latents, shape, cells, top, left), cells);
                var (high, wide) = (small.Height / tile.Height, small.Width / tile.Width);
                if (sums.Length == 0)
                {
                    picture = new(small.Channels, shape.Height * high, shape.Width * wide);
                    sums = new double[picture.Length];
                    weights = new double[picture.Height * picture.Width];
                }

                var down = Ramp(small.Height, top * high, picture.Height);
                var across = Ramp(small.Width, left * wide, picture.Width);
                for (var y = 0; y < small.Height; y++)
                {
                    for (var x = 0; x < small.Width; x++)
                    {
                        var weight = down[y] * across[x];
                        var place = (((top * high) + y) * picture.Width) + (left * wide) + x;
                        weights[place] += weight;
                        for (var c = 0; c < small.Channels; c++)
                        {
                            sums[(c * weights.Length) + place] +=
                                weight * pixels[(((c * small.Height) + y) * small.Width) + x];
                        }
                    }
                }
            }
        }

        return (picture, [.. sums.Select((sum, i) => (float)(sum / weights[i % weights.Length]))]);
    }

    /// <summary>Where tiles begin; the last ends where the latents do.</summary>
    private static int[] Starts(int size, int tile)
    {
        var step = Math.Max(1, tile - (int)(tile * Shared));
        var count = 1 + ((Math.Max(0, size - tile) + step - 1) / step);
        return [.. Enumerable.Range(0, count).Select(i => Math.Min(i * step, size - tile))];
    }

    private static float[] Cut(ReadOnlySpan<float> latents, SampleShape shape, SampleShape tile, int top, int left)
    {
        var result = new float[tile.Length];
        for (var row = 0; row < tile.Channels * tile.Height; row++)
        {
            var (c, y) = Math.DivRem(row, tile.Height);
            latents
                .Slice((((c * shape.Height) + top + y) * shape.Width) + left, tile.Width)
                .CopyTo(result.AsSpan(row * tile.Width));
        }

        return result;
    }

    /// <summary>How much a tile counts along an axis: less towards edges that are not the picture's.</summary>
    private static double[] Ramp(int size, int start, int whole)
    {
        var shared = Math.Max(1, size * Shared);
        return
        [
            .. Enumerable
                .Range(0, size)
                .Select(i =>
                    Math.Min(
                        start == 0 ? 1 : Math.Min(1, (i + 0.5) / shared),
                        start + size == whole ? 1 : Math.Min(1, (size - i - 0.5) / shared)
                    )
                ),
        ];
    }
}
