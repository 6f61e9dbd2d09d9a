using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public class ObservedTimestepsTests
{
    [Fact]
    public void Few_timesteps_stand_for_themselves()
    {
        var observed = new ObservedTimesteps([0, 750, 250, 750, 500]);
        Assert.Equal([750, 500, 250, 0], observed.All);
        Assert.All(observed.All, t => Assert.Equal(t, observed.Of(t)));
    }

    [Fact]
    public void Of_many_each_stands_for_its_neighbours()
    {
        var observed = new ObservedTimesteps(Enumerable.Range(0, 1000));
        Assert.Equal(25, observed.All.Count);
        Assert.Equal(observed.All.OrderDescending(), observed.All);
        Assert.All(Enumerable.Range(0, 1000), t => Assert.InRange(Math.Abs(observed.Of(t) - t), 0, 20));
        Assert.Equal(observed.All, Enumerable.Range(0, 1000).Reverse().Select(observed.Of).Distinct());
    }
}
