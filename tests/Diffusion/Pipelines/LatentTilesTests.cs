namespace DiffusionQuant.Diffusion.Tests.Pipelines;

/// <summary>Pictures that are decoded in tiles.</summary>
public sealed class LatentTilesTests
{
    [Theory]
    [InlineData(8, 8, 8, 8)]
    [InlineData(20, 8, 8, 8)]
    [InlineData(9, 31, 8, 8)]
    [InlineData(64, 40, 16, 12)]
    public void Of_a_decoder_that_looks_at_one_cell_they_are_the_whole(int height, int width, int high, int wide)
    {
        var shape = new SampleShape(2, height, width);
        var latents = Numbers(shape);
        var (whole, expected) = Doubled([.. latents], shape);
        var (picture, pixels) = LatentTiles.Decode(latents, shape, (high, wide), Doubled);
        Assert.Equal(whole, picture);
        Assert.All(expected.Zip(pixels), p => Assert.Equal(p.First, p.Second, 1e-6f));
    }

    /// <summary>A tile that differs by a constant from its neighbour goes over into it without a step.</summary>
    [Fact]
    public void Neighbours_go_over_into_each_other()
    {
        var shape = new SampleShape(1, 8, 26);
        var tile = 0;
        var (picture, pixels) = LatentTiles.Decode(
            new float[shape.Length],
            shape,
            (8, 8),
            (_, size) => (size, [.. Enumerable.Repeat((float)tile++, size.Length)])
        );
        Assert.Equal(4, tile);
        var row = pixels[..picture.Width];
        Assert.Equal(0, row[0]);
        Assert.Equal(3, row[^1]);
        Assert.All(row.Zip(row.Skip(1)), p => Assert.InRange(p.Second - p.First, 0, 0.51f));
    }

    [Fact]
    public void Each_tile_has_the_size_that_was_asked_for()
    {
        var shape = new SampleShape(4, 13, 29);
        LatentTiles.Decode(
            new float[shape.Length],
            shape,
            (8, 8),
            (latents, size) =>
            {
                Assert.Equal(new(4, 8, 8), size);
                Assert.Equal(size.Length, latents.Length);
                return Doubled(latents, size);
            }
        );
    }

    private static float[] Numbers(SampleShape shape) =>
        [.. Enumerable.Range(0, shape.Length).Select(i => MathF.Sin(i * 0.37f))];

    /// <summary>Each cell as four pixels.</summary>
    private static (SampleShape Shape, float[] Pixels) Doubled(float[] latents, SampleShape shape)
    {
        var picture = new SampleShape(shape.Channels, shape.Height * 2, shape.Width * 2);
        var pixels = new float[picture.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (row, x) = Math.DivRem(i, picture.Width);
            var (c, y) = Math.DivRem(row, picture.Height);
            pixels[i] = latents[(((c * shape.Height) + (y / 2)) * shape.Width) + (x / 2)];
        }

        return (picture, pixels);
    }
}
