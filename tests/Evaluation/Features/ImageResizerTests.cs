using System.Text.Json;
using DiffusionQuant.Evaluation.Features;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class ImageResizerTests
{
    [Fact]
    public void Numbers_are_those_of_pil_and_of_tensorflow_1()
    {
        var cases = JsonSerializer.Deserialize<Case[]>(
            File.ReadAllText(TestFiles.Reference("resize.json")),
            JsonSerializerOptions.Web
        )!;
        Assert.Equal(15, cases.Length);
        foreach (var c in cases)
        {
            var image = TestFiles.Image(c.Height, c.Width, c.Channels);
            var actual = ImageResizer.Resize(
                [.. image.Pixels.Select(p => (float)p)],
                c.Width,
                c.Height,
                c.Channels,
                c.NewWidth,
                c.NewHeight,
                Enum.Parse<ResizeFilter>(c.Filter)
            );
            Assert.Equal(c.Expected.Length, actual.Length);
            for (var i = 0; i < actual.Length; i++)
            {
                Assert.True(Math.Abs(c.Expected[i] - actual[i]) <= 2e-4, $"{c.Filter} {c.Width}->{c.NewWidth} at {i}");
            }
        }
    }

    [Fact]
    public void A_plain_image_stays_plain() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 20).Four().ToArbitrary(),
                sizes =>
                {
                    var (width, height, newWidth, newHeight) = sizes;
                    foreach (var filter in Enum.GetValues<ResizeFilter>().Where(f => f != ResizeFilter.None))
                    {
                        var plain = Enumerable.Repeat(77f, width * height).ToArray();
                        var resized = ImageResizer.Resize(plain, width, height, 1, newWidth, newHeight, filter);
                        Assert.Equal(newWidth * newHeight, resized.Length);
                        Assert.All(resized, v => Assert.Equal(77f, v, 1e-4f));
                    }
                }
            )
        );

    [Fact]
    public void Without_a_filter_only_the_same_size_is_possible()
    {
        float[] pixels = [1, 2, 3, 4];
        Assert.Same(pixels, ImageResizer.Resize(pixels, 2, 2, 1, 2, 2, ResizeFilter.None));
        Assert.Throws<ArgumentException>(() => ImageResizer.Resize(pixels, 2, 2, 1, 3, 2, ResizeFilter.None));
        Assert.Throws<ArgumentException>(() => ImageResizer.Resize(pixels, 3, 2, 1, 3, 2, ResizeFilter.None));
    }

    private sealed record Case(
        string Filter,
        int Height,
        int Width,
        int Channels,
        int NewHeight,
        int NewWidth,
        double[] Expected
    );
}
