namespace DiffusionQuant.Diffusion.Tests.Solvers;

public sealed class SamplerSettingsTests
{
    private static readonly NoiseSchedule Schedule = Discrete.Parse("{}");

    [Fact]
    public void Steps_by_default()
    {
        Assert.Equal(50, SamplerSettings.Default.CreateGrid(Schedule).Count);
        Assert.Equal(
            1000,
            new SamplerSettings { Kind = SolverKind.Find("ddpm") }
                .CreateGrid(Schedule)
                .Count
        );
    }

    [Fact]
    public void Grids()
    {
        Assert.Equal(
            "quadratic",
            new SamplerSettings { Quadratic = true, Steps = 10 }
                .CreateGrid(Schedule)
                .Name
        );
        Assert.Equal(
            "trailing",
            new SamplerSettings { Spacing = TimestepSpacing.Trailing }
                .CreateGrid(Schedule)
                .Name
        );
        Assert.Equal(
            [7, 3],
            new SamplerSettings { Timesteps = [7, 3] }
                .CreateGrid(Schedule)
                .Timesteps
        );
    }

    [Fact]
    public void Clipping_can_be_switched_off()
    {
        var solver = new SamplerSettings { ClipSample = false, Timesteps = [500, 400] }.CreateSolver(Schedule);
        var clean = new float[1];
        solver.Start([3]).Step([0], [], clean);
        Assert.True(clean[0] > 10);
    }

    [Theory]
    [InlineData(0, "DDIM")]
    [InlineData(0.5, "DDIM η=0.5")]
    public void Names(double eta, string name) =>
        Assert.Equal(
            name,
            new SamplerSettings { Eta = eta }
                .CreateSolver(Schedule)
                .Name
        );
}
