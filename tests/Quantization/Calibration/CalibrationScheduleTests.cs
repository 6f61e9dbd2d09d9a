using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public class CalibrationScheduleTests
{
    private const int T = 1000;
    private static readonly NoiseSchedule Schedule = (NoiseSchedule)NoisePath.Parse(TestModels.EpsilonSchedule);
    private static readonly Recipe Plain = new(new BitWidths(8, 8));

    public static TheoryData<TimestepLaw> DrawnLaws =>
        [TimestepLaw.Uniform, TimestepLaw.Normal, TimestepLaw.NormalPtq4dm, TimestepLaw.Quadratic];

    private static TimestepGrid Grid(int steps) => TimestepGrid.Uniform(Schedule, steps);

    private static CalibrationSchedule Make(Recipe recipe, int steps, int pairs) =>
        CalibrationSchedule.Of(recipe, Grid(steps).Timesteps, T, pairs);

    /// <summary>The timesteps of all pairs, on a grid of all steps.</summary>
    private static double[] Draw(Recipe recipe, int pairs)
    {
        var grid = Grid(T);
        return [.. Make(recipe, T, pairs).Kept.SelectMany(k => k).Select(step => (double)grid.Timesteps[step])];
    }

    [Fact]
    public void Laws_reach_all_steps_of_a_path_whose_timesteps_are_logarithms()
    {
        var path = NoisePath.Parse("""{"_class_name":"EDMEulerScheduler"}""");
        var timesteps = new SamplerSettings { Steps = 5 }
            .CreateSolver(path)
            .Timesteps;
        Assert.InRange(timesteps[^1], -2, 0);
        Assert.Equal([999, 749.25, 499.5, 249.75, 0], CalibrationSchedule.PlacesOf(path, timesteps));
        Assert.Same(timesteps, CalibrationSchedule.PlacesOf(Schedule, timesteps));
        var places = CalibrationSchedule.PlacesOf(path, timesteps);
        var recipe = Plain with { TimestepSampling = TimestepLaw.Normal };
        Assert.Equal(5, CalibrationSchedule.Of(recipe, places, T, 200).Kept.SelectMany(k => k).Distinct().Count());
    }

    [Theory]
    [InlineData(50, 256, 25)]
    [InlineData(50, 8, 8)]
    [InlineData(4, 256, 4)]
    [InlineData(1, 3, 1)]
    public void Evenly_spaced_steps_are_the_same_of_each_trajectory(int steps, int samples, int observed)
    {
        var schedule = Make(Plain, steps, samples);
        Assert.All(schedule.Kept, k => Assert.Equal(schedule.Kept[0], k));
        var kept = schedule.Kept[0];
        Assert.Equal(observed, kept.Count);
        Assert.Equal(0, kept[0]);
        Assert.All(
            kept.Zip(kept.Skip(1)),
            p => Assert.InRange(p.Second - p.First, steps / observed, (steps + observed - 1) / observed)
        );
        Assert.Equal(schedule.Images * observed, schedule.Count);
        Assert.InRange(schedule.Count, samples, samples + observed - 1);
    }

    [Theory]
    [MemberData(nameof(DrawnLaws))]
    public void Drawn_steps_are_dealt_to_few_trajectories_and_none_twice(TimestepLaw law)
    {
        var recipe = Plain with { TimestepSampling = law };
        foreach (var (steps, pairs) in new[] { (50, 1024), (4, 256), (1, 3), (1000, 100), (50, 1) })
        {
            var schedule = Make(recipe, steps, pairs);
            Assert.Equal(pairs, schedule.Count);
            Assert.All(schedule.Kept, k => Assert.InRange(k.Count, 1, 8));
            Assert.All(schedule.Kept, k => Assert.All(k.Zip(k.Skip(1)), p => Assert.True(p.First < p.Second)));
            Assert.All(schedule.Kept.SelectMany(k => k), s => Assert.InRange(s, 0, steps - 1));
            var most = schedule.Kept.SelectMany(k => k).GroupBy(s => s).Max(g => g.Count());
            Assert.Equal(Math.Max((pairs + 7) / 8, most), schedule.Images);
        }
    }

    [Theory]
    [MemberData(nameof(DrawnLaws))]
    public void The_seed_alone_decides_what_is_drawn(TimestepLaw law)
    {
        var recipe = Plain with { TimestepSampling = law };
        Assert.Equal(Make(recipe, 50, 64).Kept, Make(recipe, 50, 64).Kept);
        Assert.NotEqual(Make(recipe, 50, 64).Kept, Make(recipe with { Seed = 1 }, 50, 64).Kept);
    }

    [Fact]
    public void Uniform_steps_have_equal_chances()
    {
        var counts = Make(Plain with { TimestepSampling = TimestepLaw.Uniform }, 10, 10_000)
            .Kept.SelectMany(k => k)
            .CountBy(s => s)
            .ToDictionary();
        Assert.Equal(10, counts.Count);
        // Five deviations of a binomial count.
        Assert.All(counts.Values, c => Assert.InRange(c, 850, 1150));
    }

    [Fact]
    public void Normal_timesteps_have_the_mean_and_deviation_of_the_code_and_their_ends_hold_the_rest()
    {
        var drawn = Draw(Plain with { TimestepSampling = TimestepLaw.Normal }, 20_000);
        // Φ(−1) lies below 0, 1 − Φ(1.5) above T − 1.
        Assert.Equal(0.159, drawn.Count(t => t == 0) / 20_000.0, 0.01);
        Assert.Equal(0.067, drawn.Count(t => t == T - 1) / 20_000.0, 0.01);
        Assert.Equal(0.5, drawn.Count(t => t < 400) / 20_000.0, 0.015);
        Assert.Equal(0.692, drawn.Count(t => t < 600) / 20_000.0, 0.015);
    }

    [Fact]
    public void The_papers_normal_law_has_the_variance_T_over_2()
    {
        var drawn = Draw(Plain with { TimestepSampling = TimestepLaw.NormalPtq4dm }, 20_000);
        Assert.Equal(400, drawn.Average(), 1.0);
        Assert.Equal(Math.Sqrt(500), Math.Sqrt(drawn.Average(t => (t - 400) * (t - 400))), 0.6);
    }

    [Theory]
    [InlineData(TimestepLaw.Normal)]
    [InlineData(TimestepLaw.NormalPtq4dm)]
    public void Mean_and_deviation_can_be_given(TimestepLaw law)
    {
        var recipe = Plain with { TimestepSampling = law, TimestepMean = 0.6, TimestepDeviation = 0.05 };
        var drawn = Draw(recipe, 10_000);
        Assert.Equal(600, drawn.Average(), 2.5);
        Assert.Equal(50, Math.Sqrt(drawn.Average(t => (t - 600) * (t - 600))), 2.0);
    }

    [Fact]
    public void Quadratic_timesteps_have_uniform_roots()
    {
        var drawn = Draw(Plain with { TimestepSampling = TimestepLaw.Quadratic }, 20_000);
        foreach (var share in new[] { 0.1, 0.25, 0.5, 0.75 })
        {
            Assert.Equal(share, drawn.Count(t => t < share * share * T) / 20_000.0, 0.015);
        }
    }

    [Fact]
    public void What_is_drawn_goes_to_the_nearest_step_of_the_grid()
    {
        var recipe = Plain with
        {
            TimestepSampling = TimestepLaw.Normal,
            TimestepMean = 0.26,
            TimestepDeviation = 0.0001,
        };
        // Timesteps 750, 500, 250 and 0.
        Assert.All(Make(recipe, 4, 16).Kept, k => Assert.Equal([2], k));
        Assert.All(Make(recipe with { TimestepMean = 1 }, 4, 16).Kept, k => Assert.Equal([0], k));
        Assert.All(Make(recipe with { TimestepMean = 0 }, 4, 16).Kept, k => Assert.Equal([3], k));
    }
}
