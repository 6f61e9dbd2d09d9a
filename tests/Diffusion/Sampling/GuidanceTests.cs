namespace DiffusionQuant.Diffusion.Tests.Sampling;

public sealed class GuidanceTests
{
    // Two images of a prediction of two numbers and its variance.
    private static readonly float[] Conditional = [1, -1, 9, 9, 2, 0, 8, 8];
    private static readonly float[] Unconditional = [0, 0, 1, 1, 1, 1, 2, 2];

    [Fact]
    public void Predictions_are_guided_and_variances_are_not() =>
        Close.All([3, -3, 9, 9, 4, -2, 8, 8], Guidance.Combine(Conditional, Unconditional, 2, 2, scale: 3, rescale: 0));

    [Theory]
    [InlineData(1, new[] { 1, -1, 9, 9, 4.0 / 3, -2.0 / 3, 8, 8 })]
    [InlineData(0.5, new[] { 2, -2, 9, 9, 8.0 / 3, -4.0 / 3, 8, 8 })]
    public void The_deviation_is_brought_back(double share, double[] expected) =>
        Close.All(expected, Guidance.Combine(Conditional, Unconditional, 2, 2, scale: 3, rescale: share), 1e-6);

    [Fact]
    public void What_does_not_vary_stays() =>
        Close.All([5, 5], Guidance.Combine([5, 5], [5, 5], 1, 2, scale: 3, rescale: 1));
}
