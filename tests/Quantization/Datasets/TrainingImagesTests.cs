using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Quantization.Tests.Datasets;

public sealed class TrainingImagesTests
{
    private static readonly NoiseSource Noise = new(7);

    [Fact]
    public void Images_become_planes_from_minus_one_to_one()
    {
        var images = TrainingImages.Load(new Images(new RasterImage(2, 1, 3, [0, 51, 255, 102, 153, 204])));
        Assert.Equal(new SampleShape(3, 1, 2), images.Shape);
        var batch = new float[6];
        images.Fill(Noise, 0, 0, flip: false, batch);
        Assert.Equal([-1, -0.2f, -0.6f, 0.2f, 1, 0.6f], batch.Select(v => MathF.Round(v, 5)));
    }

    [Fact]
    public void A_step_takes_the_same_images_whatever_came_before_it()
    {
        var images = TrainingImages.Load(Gray(50));
        var whole = Batch(images, 3, 0, 8);
        Assert.Equal(whole, Batch(images, 3, 0, 8));
        Assert.Equal(whole[(4 * 6)..], Batch(images, 3, 4, 4));
        Assert.NotEqual(whole, Batch(images, 4, 0, 8));
    }

    [Fact]
    public void All_images_are_taken_and_half_of_them_mirrored()
    {
        var images = TrainingImages.Load(Gray(4));
        var seen = new int[4];
        var mirrored = 0;
        var batch = new float[6];
        for (var step = 0; step < 400; step++)
        {
            images.Fill(Noise, step, 0, flip: true, batch);
            var bytes = batch.Select(v => (int)MathF.Round((v + 1) * 127.5f)).ToArray();
            seen[bytes.Min() / 10]++;
            mirrored += bytes[0] > bytes[2] ? 1 : 0;
            Assert.Equal(bytes[0] > bytes[2], bytes[3] > bytes[5]);
        }

        Assert.All(seen, n => Assert.InRange(n, 60, 140));
        Assert.InRange(mirrored, 160, 240);
    }

    [Fact]
    public void Gray_images_among_colours_become_rgb()
    {
        var gray = new RasterImage(1, 1, 1, [9]);
        var colour = new RasterImage(1, 1, 3, [51, 102, 153]);
        var asRgb = TrainingImages.Load(new Images(gray.ToRgb(), colour, gray.ToRgb()));
        foreach (var shape in new SampleShape?[] { null, new(3, 1, 1) })
        {
            var images = TrainingImages.Load(new Images(gray, colour, gray), shape);
            Assert.Equal((new SampleShape(3, 1, 1), asRgb.Sha256), (images.Shape, images.Sha256));
        }

        Expect("DQ3036", () => TrainingImages.Load(new Images(gray, colour, gray), memory: 8));
    }

    [Fact]
    public void A_gray_network_takes_gray_images_however_they_are_stored()
    {
        var shape = new SampleShape(1, 1, 1);
        var gray = new RasterImage(1, 1, 1, [200]);
        var stored = TrainingImages.Load(new Images(gray.ToRgb(), new(1, 1, 3, [200, 200, 201])), shape);
        Assert.Equal(TrainingImages.Load(new Images(gray, gray), shape).Sha256, stored.Sha256);
        var colour = new RasterImage(1, 1, 3, [0, 0, 9]) { Source = "blue.jpg" };
        var error = Assert.Throws<DiffusionQuantException>(() => TrainingImages.Load(new Images(gray, colour), shape));
        Assert.Equal("DQ3035", error.Code);
        Assert.StartsWith("blue.jpg", error.Message, StringComparison.Ordinal);
        Assert.Contains("colours", error.Message);
    }

    [Fact]
    public void What_does_not_fit_has_a_code()
    {
        Expect("DQ3035", () => TrainingImages.Load(new Images()));
        Expect("DQ3035", () => TrainingImages.Load(Gray(2), new SampleShape(1, 3, 3)));
        Expect(
            "DQ3035",
            () => TrainingImages.Load(new Images(new(1, 2, 1, new byte[2]), new RasterImage(2, 1, 1, new byte[2])))
        );
        Expect("DQ3036", () => TrainingImages.Load(Gray(5), memory: 29));
        Assert.Equal(5, TrainingImages.Load(Gray(5), memory: 30).Count);
    }

    private static float[] Batch(TrainingImages images, int step, int first, int count)
    {
        var batch = new float[count * images.Shape.Length];
        images.Fill(Noise, step, first, flip: true, batch);
        return batch;
    }

    private static void Expect(string code, Action act) =>
        Assert.Equal(code, Assert.Throws<DiffusionQuantException>(act).Code);

    /// <summary>Images of 2×3 whose numbers rise from ten times their index.</summary>
    private static Images Gray(int count) =>
        new([
            .. Enumerable
                .Range(0, count)
                .Select(i => new RasterImage(3, 2, 1, [.. Enumerable.Range(10 * i, 6).Select(v => (byte)v)])),
        ]);

    private sealed class Images(params RasterImage[] images) : IImageSource
    {
        public string Name => "images";

        public long? Count => images.Length;

        public IEnumerable<RasterImage> Read(CancellationToken cancellation = default) => images;
    }
}
