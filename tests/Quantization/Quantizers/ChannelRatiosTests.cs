using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class ChannelRatiosTests
{
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
