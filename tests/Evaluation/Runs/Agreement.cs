using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;

namespace DiffusionQuant.Evaluation.Tests.Runs;

/// <summary>Whether two runs that must give the same gave the same.</summary>
internal static class Agreement
{
    public static void AssertSame(EvaluationPart expected, EvaluationPart actual, double tolerance)
    {
        Assert.Equal((expected.FirstImage, expected.EndImage), (actual.FirstImage, actual.EndImage));
        Assert.Equal(expected.Header.RunKey, actual.Header.RunKey);
        AssertSame(expected.Paired, actual.Paired, tolerance);
        AssertSame(expected.Model, actual.Model, tolerance);
        AssertSame(expected.Float, actual.Float, tolerance);
    }

    public static void AssertSame(EvaluationReport expected, EvaluationReport actual, double tolerance)
    {
        AssertSame(expected.Metrics, actual.Metrics, tolerance);
        AssertSame(expected.FloatMetrics, actual.FloatMetrics, tolerance);
        Assert.Equal(expected.Timesteps.Select(t => t.Timestep), actual.Timesteps.Select(t => t.Timestep));
        foreach (var (mine, theirs) in expected.Timesteps.Zip(actual.Timesteps))
        {
            AssertClose(mine.Sqnr, theirs.Sqnr, tolerance);
            AssertClose(mine.Error, theirs.Error, tolerance);
        }

        Assert.Equal(expected.Samples, actual.Samples);
    }

    private static void AssertSame(IReadOnlyList<Metric> expected, IReadOnlyList<Metric> actual, double tolerance)
    {
        Assert.Equal(expected.Select(m => (m.Name, m.Images)), actual.Select(m => (m.Name, m.Images)));
        foreach (var (mine, theirs) in expected.Zip(actual))
        {
            AssertClose(mine.Value, theirs.Value, tolerance);
            Assert.Equal(mine.StandardError is null, theirs.StandardError is null);
            AssertClose(mine.StandardError ?? 0, theirs.StandardError ?? 0, tolerance);
        }
    }

    private static void AssertSame(PairedStatistics expected, PairedStatistics actual, double tolerance)
    {
        Assert.Equal(expected.Images.Select(i => i.Index), actual.Images.Select(i => i.Index));
        foreach (var (mine, theirs) in expected.Images.Zip(actual.Images))
        {
            AssertClose(mine.Psnr!.Value, theirs.Psnr!.Value, tolerance);
            AssertClose(mine.Ssim!.Value, theirs.Ssim!.Value, tolerance);
            Assert.Equal(mine.Latents, theirs.Latents);
            Assert.Equal(mine.Clip, theirs.Clip);
            Assert.Equal(mine.FloatPng, theirs.FloatPng);
            Assert.Equal(mine.QuantizedPng, theirs.QuantizedPng);
            Assert.Equal(mine.Steps.Count, theirs.Steps.Count);
            foreach (var (step, other) in mine.Steps.Zip(theirs.Steps))
            {
                AssertClose(step.Signal, other.Signal, tolerance);
                AssertClose(step.Noise, other.Noise, tolerance);
            }
        }
    }

    private static void AssertSame(ImageStatistics? expected, ImageStatistics? actual, double tolerance)
    {
        Assert.Equal(expected is null, actual is null);
        if (expected is null || actual is null)
        {
            return;
        }

        Assert.Equal(expected.Images, actual.Images);
        Assert.Equal(expected.Count, actual.Count);
        AssertSame(expected.Features(), actual.Features(), tolerance);
        AssertSame(expected.Spatial()!, actual.Spatial()!, tolerance);
        Assert.Equal(expected.Reservoir.Indices(), actual.Reservoir.Indices());
        Assert.Equal(expected.Reservoir.Rows(), actual.Reservoir.Rows());
        Assert.Equal(expected.Blocks.Count(), actual.Blocks.Count());
        foreach (var (mine, theirs) in expected.Blocks.Zip(actual.Blocks))
        {
            AssertSame(mine.Features, theirs.Features, tolerance);
            AssertSame(mine.Spatial!, theirs.Spatial!, tolerance);
            Assert.Equal(mine.Scores!.Count, theirs.Scores!.Count);
            AssertClose(mine.Scores.Score(), theirs.Scores.Score(), tolerance);
        }
    }

    private static void AssertSame(GaussianStatistics expected, GaussianStatistics actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (mine, theirs) in expected.Mean().Zip(actual.Mean()))
        {
            AssertClose(mine, theirs, tolerance);
        }

        foreach (var (mine, theirs) in expected.Covariance().Zip(actual.Covariance()))
        {
            AssertClose(mine, theirs, tolerance);
        }
    }

    private static void AssertClose(double expected, double actual, double tolerance) =>
        Assert.True(
            Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)),
            $"{expected:R} and {actual:R} differ by {Math.Abs(expected - actual):R}"
        );
}
