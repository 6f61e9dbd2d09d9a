using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public class ObservedTimestepsTests
{
    [Fact]
    public void Few_timesteps_stand_for_themselves()
    {
        var observed = new ObservedTimesteps([0, 750, 250, 750, 500], t => t);
        Assert.Equal([750, 500, 250, 0], observed.All);
        Assert.All(observed.All, t => Assert.Equal(t, observed.Of(t)));
    }

    [Fact]
    public void Of_many_each_stands_for_its_neighbours()
    {
        double[] timesteps = [.. Enumerable.Range(0, 1000)];
        var observed = new ObservedTimesteps(timesteps, t => t);
        Assert.Equal(25, observed.All.Count);
        Assert.Equal(observed.All.OrderDescending(), observed.All);
        Assert.All(timesteps, t => Assert.InRange(Math.Abs(observed.Of(t) - t), 0, 20));
        Assert.Equal(observed.All, timesteps.Reverse().Select(observed.Of).Distinct());
    }

    [Fact]
    public void What_a_network_cannot_tell_apart_is_one()
    {
        double[] timesteps = [815.0175, 10.9, 9.9, 9.2, 0.7, 0.2];
        Assert.Equal(timesteps, new ObservedTimesteps(timesteps, t => t).All);
        var observed = new ObservedTimesteps(timesteps, Math.Truncate);
        Assert.Equal([815.0175, 10.9, 9.9, 0.7], observed.All);
        Assert.Equal([815.0175, 10.9, 9.9, 9.9, 0.7, 0.7], timesteps.Select(observed.Of));
    }
}
