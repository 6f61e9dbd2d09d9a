using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

public sealed class ResamplingTests
{
    private static readonly double[] Values =
    [
        .. Enumerable.Range(0, 400).Select(i => (double)(PlantedFeatures.SplitMix(1, i) >> 40)),
    ];

    [Fact]
    public void The_bootstrap_finds_the_standard_error_of_the_mean()
    {
        var mean = Values.Average();
        // In the limit of many resamples the error is σ/√n with n as σ's divisor.
        var expected = Math.Sqrt(Values.Average(v => (v - mean) * (v - mean)) / Values.Length);
        ReferenceFile.AssertClose(expected, Resampling.BootstrapError(Values, 4000), 0.05);
    }

    [Fact]
    public void The_bootstrap_depends_on_its_seed_alone()
    {
        Assert.Equal(Resampling.BootstrapError(Values, 50, 3), Resampling.BootstrapError(Values, 50, 3));
        Assert.NotEqual(Resampling.BootstrapError(Values, 50, 3), Resampling.BootstrapError(Values, 50, 4));
    }

    [Fact]
    public void Means_without_blocks_leave_each_value_out_once()
    {
        Assert.Null(Resampling.MeansWithoutBlock([1]));
        Assert.Equal([2, 1], Resampling.MeansWithoutBlock([1, 2])!);
        // Ten blocks of two: 0 to 19 without 2b and 2b + 1.
        double[] values = [.. Enumerable.Range(0, 20).Select(i => (double)i)];
        var expected = Enumerable.Range(0, 10).Select(b => (190.0 - (4 * b) - 1) / 18);
        Assert.Equal(expected, Resampling.MeansWithoutBlock(values)!);
    }

    [Fact]
    public void The_jackknife_of_means_is_their_standard_error()
    {
        // For the mean both are the same number: s/√m.
        var sum = Values.Sum();
        var leaveOneOut = Values.Select(v => (sum - v) / (Values.Length - 1)).ToArray();
        var mean = Values.Average();
        var variance = Values.Sum(v => (v - mean) * (v - mean)) / (Values.Length - 1);
        ReferenceFile.AssertClose(Math.Sqrt(variance / Values.Length), Resampling.JackknifeError(leaveOneOut), 1e-9);
    }

    [Fact]
    public void Too_few_values_have_no_error()
    {
        Assert.Equal(double.NaN, Resampling.BootstrapError([1]));
        Assert.Equal(double.NaN, Resampling.JackknifeError([1]));
        Assert.Equal(0, Resampling.JackknifeError([2, 2]));
        Assert.Equal(0, Resampling.BootstrapError([2, 2]));
    }
}
