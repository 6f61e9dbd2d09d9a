using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class ChannelRatiosTests
{
    [Fact]
    public void SmoothingLeavesInputAndWeightsChannelsOfOneSize()
    {
        float[] inputs = [4, 0.25f, 9];
        float[] weights = [1, 4, 0.01f];
        var ratios = ChannelRatios.Smoothing(inputs, weights);
        Assert.Equal([2, 0.25f, 30], ratios.Select(r => MathF.Round(r, 4)));
        Assert.All(Enumerable.Range(0, 3), c => Assert.Equal(inputs[c] / ratios[c], weights[c] * ratios[c], 1e-5f));
        // α = 1 leaves nothing of the inputs' differences, α = 0 nothing of the weights'.
        Assert.Equal(inputs, ChannelRatios.Smoothing(inputs, weights, 1));
        Assert.Equal([1, 0.25f, 100], ChannelRatios.Smoothing(inputs, weights, 0).Select(r => MathF.Round(r, 4)));
    }

    [Fact]
    public void SmoothingMakesNoDeadChannelTheLargest()
    {
        var ratios = ChannelRatios.Smoothing([0, 1, 1], [1, 0, 1]);
        Assert.InRange(1 * ratios[0], 1e-6f, 1);
        Assert.InRange(1 / ratios[1], 1e-6f, 1);
    }

    [Fact]
    public void TimestepsOfLargeValuesWeighMore()
    {
        // Ratios 1, 4 at one timestep and 2, 1 at the other; channel 0 weighs 1 and 20, channel 1 weighs 4 and 10.
        var ratios = ChannelRatios.Joint([
            [1, 4],
            [20, 10],
        ]);
        Assert.Equal(((1 * 1) + (2 * 20)) / 21f, ratios[0], 1e-6f);
        Assert.Equal(((4 * 4) + (1 * 10)) / 14f, ratios[1], 1e-6f);
    }

    [Fact]
    public void ADeadChannelIsLeftAloneAndDecidesNothing()
    {
        var ratios = ChannelRatios.Joint([
            [0, 2, 6],
            [0, 3, 3],
        ]);
        Assert.Equal(1, ratios[0]);
        Assert.Equal(1, ratios[1]);
        Assert.Equal(((3 * 6) + (1 * 3)) / 9f, ratios[2], 1e-6f);
        Assert.Equal(
            [1, 1],
            ChannelRatios.Joint([
                [0, 0],
            ])
        );
    }

    [Fact]
    public void RatiosCanBeTruncatedAndTheTargetBeAQuantile()
    {
        float[] maxima = [0.01f, 1, 1, 1, 1, 1, 1, 1, 1, 8];
        Assert.Equal(800, ChannelRatios.Joint([maxima])[9], 0.1f);
        Assert.Equal(3, ChannelRatios.Joint([maxima], most: 3)[9]);
        var robust = ChannelRatios.Joint([maxima], share: 0.2);
        Assert.Equal(8, robust[9], 1e-5f);
        Assert.Equal(1, robust[0]);
    }
}
