using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class KernelDistanceTests
{
    [Fact]
    public void Agrees_with_an_independent_calculation_on_the_same_subsets()
    {
        var (one, two) = FashionValues.Halves();
        var expected = FashionValues.Read();
        var found = KernelDistance.Between(one, two, FashionValues.Dimensions, subsets: 20, subsetSize: 60, seed: 7);
        ReferenceFile.AssertClose(expected.KernelMean, found.Mean, 1e-9);
        ReferenceFile.AssertClose(expected.KernelDeviation, found.Deviation, 1e-9);
    }

    [Fact]
    public void Subsets_are_no_larger_than_the_smaller_set()
    {
        var (one, two) = FashionValues.Halves();
        var found = KernelDistance.Between(one, two, FashionValues.Dimensions);
        Assert.Equal(200, found.SubsetSize);
        ReferenceFile.AssertClose(FashionValues.Read().KernelWhole, found.Mean, 1e-9);
        Assert.Equal(0, found.Deviation);
        var fewer = KernelDistance.Between(one[..(50 * FashionValues.Dimensions)], two, FashionValues.Dimensions, 3);
        Assert.Equal(50, fewer.SubsetSize);
        Assert.True(fewer.Deviation > 0);
    }

    [Fact]
    public void The_seed_alone_decides_the_subsets()
    {
        var (one, two) = FashionValues.Halves();
        Assert.Equal(Distance(3), Distance(3));
        Assert.NotEqual(Distance(3), Distance(4));

        KernelDistanceResult Distance(ulong seed) =>
            KernelDistance.Between(one, two, FashionValues.Dimensions, 5, 20, seed);
    }

    [Fact]
    public void A_subset_takes_each_feature_once_and_every_feature_as_often()
    {
        var times = new int[20];
        for (var subset = 0; subset < 2000; subset++)
        {
            var drawn = KernelDistance.Draw(new NoiseSource(1), subset, 20, 5);
            Assert.Equal(5, drawn.Distinct().Count());
            foreach (var row in drawn)
            {
                times[row]++;
            }
        }

        // 500 of each with a deviation of 19.
        Assert.All(times, n => Assert.InRange(n, 400, 600));
    }

    [Fact]
    public void Sets_of_one_distribution_are_nearer_than_sets_of_two()
    {
        var one = PlantedFeatures.Make(1, 400, 16, 0, 0.5);
        var alike = PlantedFeatures.Make(2, 400, 16, 0, 0.5);
        var other = PlantedFeatures.Make(2, 400, 16, 0.5, 0.5);
        Assert.InRange(KernelDistance.Between(one, alike, 16).Mean, -0.01, 0.01);
        Assert.True(KernelDistance.Between(one, other, 16).Mean > 0.1);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => KernelDistance.Between(new float[5], new float[4], 2));
        Assert.Throws<ArgumentException>(() => KernelDistance.Between(new float[2], new float[4], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => KernelDistance.Between(new float[4], new float[4], 2, 0));
    }
}
