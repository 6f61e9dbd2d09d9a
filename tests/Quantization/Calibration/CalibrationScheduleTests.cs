using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public class CalibrationScheduleTests
{
    private static TimestepGrid Grid(int steps)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, TestModels.EpsilonSchedule);
        var schedule = NoiseSchedule.Load(path);
        File.Delete(path);
        return TimestepGrid.Uniform(schedule, steps);
    }

    [Theory]
    [InlineData(50, 256, 25)]
    [InlineData(50, 8, 8)]
    [InlineData(4, 256, 4)]
    [InlineData(1, 3, 1)]
    public void EveryTimestepGetsItsShare(int steps, int samples, int observed)
    {
        var grid = Grid(steps);
        var schedule = CalibrationSchedule.Of(grid, samples);
        Assert.Equal(observed, schedule.Timesteps.Count);
        Assert.Equal(observed, schedule.Timesteps.Distinct().Count());
        Assert.Subset(grid.Timesteps.ToHashSet(), schedule.Timesteps.ToHashSet());
        Assert.Equal(grid.Timesteps[0], schedule.Timesteps[0]);
        Assert.InRange(schedule.Images * observed, samples, samples + observed - 1);
    }
}
