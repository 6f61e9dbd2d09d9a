using DiffusionQuant.Evaluation.Features;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class FeatureReservoirTests
{
    [Fact]
    public void What_is_kept_does_not_depend_on_order_or_division()
    {
        var whole = Fill(Enumerable.Range(0, 1000));
        Assert.Equal(100, whole.Count);
        Assert.Equal(whole.Rows(), Fill(Enumerable.Range(0, 1000).Reverse()).Rows());
        foreach (var parts in new[] { 2, 3, 16 })
        {
            var merged = new FeatureReservoir(100, 2);
            foreach (var part in Enumerable.Range(0, 1000).GroupBy(i => i % parts).Reverse())
            {
                merged.Add(Fill(part));
            }

            Assert.Equal(whole.Indices(), merged.Indices());
            Assert.Equal(whole.Rows(), merged.Rows());
        }
    }

    [Fact]
    public void The_sample_is_spread_over_the_images()
    {
        var images = Fill(Enumerable.Range(0, 10_000)).Indices();
        Assert.Equal(images.Order(), images);
        Assert.InRange(images.Average(), 4000, 6000);
    }

    [Fact]
    public void It_survives_its_file()
    {
        var reservoir = Fill(Enumerable.Range(0, 150));
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            reservoir.Write(writer);
        }

        stream.Position = 0;
        using var reader = new BinaryReader(stream);
        var copy = FeatureReservoir.Read(reader);
        Assert.Equal(reservoir.Indices(), copy.Indices());
        Assert.Equal(reservoir.Rows(), copy.Rows());
        Assert.Equal(stream.Length, stream.Position);
    }

    private static FeatureReservoir Fill(IEnumerable<int> images)
    {
        var reservoir = new FeatureReservoir(100, 2);
        foreach (var image in images)
        {
            reservoir.Add(image, [image, -image]);
        }

        return reservoir;
    }
}
