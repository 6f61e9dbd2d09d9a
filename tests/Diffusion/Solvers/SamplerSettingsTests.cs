namespace DiffusionQuant.Diffusion.Tests.Samplers;

public sealed class SamplerSettingsTests
{
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Parse("{}");

    [Fact]
    public void Steps_by_default()
    {
        Assert.Equal(50, SamplerSettings.Default.CreateGrid(Schedule).Count);
        Assert.Equal(
            1000,
            new SamplerSettings { Kind = SamplerKind.Ddpm }
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
        var sampler = new SamplerSettings { ClipSample = false }.CreateSampler(Schedule);
        var (clean, _) = SamplerRuns.Step(sampler, new(0, 500, 400), [3], [0], []);
        Assert.True(clean[0] > 10);
    }

    [Theory]
    [InlineData(0, "DDIM")]
    [InlineData(0.5, "DDIM η=0.5")]
    public void Names(double eta, string name) =>
        Assert.Equal(
            name,
            new SamplerSettings { Eta = eta }
                .CreateSampler(Schedule)
                .Name
        );
}
