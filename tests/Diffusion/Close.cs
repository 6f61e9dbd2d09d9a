namespace DiffusionQuant.Diffusion.Tests;

internal static class Close
{
    /// <summary>Numbers agree to a relative tolerance (diffusers computes its own in float32).</summary>
    public static void All(IEnumerable<double> expected, IEnumerable<double> actual, double relative = 1e-4)
    {
        var pairs = expected.Zip(actual).ToArray();
        Assert.Equal(expected.Count(), actual.Count());
        foreach (var (e, a) in pairs)
        {
            Assert.True(
                Math.Abs(e - a) <= (relative * Math.Abs(e)) + 1e-12,
                $"expected {e}, got {a}; all: {string.Join(' ', actual)}"
            );
        }
    }

    public static void All(IEnumerable<double> expected, IEnumerable<float> actual, double relative = 1e-4) =>
        All(expected, actual.Select(a => (double)a), relative);
}
