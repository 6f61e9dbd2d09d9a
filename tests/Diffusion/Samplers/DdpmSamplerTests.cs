namespace DiffusionQuant.Diffusion.Tests.Samplers;

public sealed class DdpmSamplerTests
{
    private static readonly NoiseSchedule Linear = NoiseSchedule.Parse("""{"clip_sample":false}""");
    private static readonly TimestepPair Step = new(0, 500, 400);
    private static readonly float[] X = [.3f, -.7f];
    private static readonly float[] Output = [.2f, -.1f];
    private static readonly float[] Noise = [1.1f, -.4f];

    [Fact]
    public void Coefficients_of_ten_steps()
    {
        var sampler = new DdpmSampler(Linear);
        var grid = TimestepGrid.Uniform(Linear, 10);
        Close.All(
            [.031875167, .064782459, .11775312, .19216791, .2853436, .39597032, .53435059, .73444364, .99909629, 1],
            grid.Select(p => sampler.Mean(p).CleanSample)
        );
        Close.All(
            [.422872, .4659827, .50853963, .54254844, .55436792, .52670337, .43938271, .26127871, .00090232774, 0],
            grid.Select(p => sampler.Mean(p).Sample)
        );
        Close.All(
            [
                .81972007,
                .77631919,
                .71759617,
                .63537054,
                .52301296,
                .38227249,
                .2266625,
                .0813984,
                9.9914622e-05,
                1e-20,
            ],
            grid.Select(p => sampler.Variance(p).Small)
        );
        Close.All(
            [.82073582, .78050963, .73136674, .67135488, .59809965, .50871435, .39969084, .26676739, .10476889, 1e-4],
            grid.Select(p => sampler.Variance(p).Large)
        );
    }

    [Fact]
    public void Coefficients_of_a_thousand_steps()
    {
        var sampler = new DdpmSampler(Linear);
        var grid = TimestepGrid.Uniform(Linear, 1000);
        Close.All(
            [
                1.2835148e-4,
                .98994868,
                .019999983,
                .0030580571,
                .99410435,
                .010051336,
                .5452915,
                .4547085,
                5.4531875e-5,
                1,
                0,
            ],
            new[] { 999, 500, 1 }
                .SelectMany(t =>
                    new[]
                    {
                        sampler.Mean(grid[999 - t]).CleanSample,
                        sampler.Mean(grid[999 - t]).Sample,
                        sampler.Variance(grid[999 - t]).Small,
                    }
                )
                .Append(sampler.Mean(grid[999]).CleanSample)
                .Append(sampler.Mean(grid[999]).Sample)
        );
    }

    [Theory]
    [InlineData(VarianceType.FixedSmall, new[] { 1.07224914, -1.29521306 })]
    [InlineData(VarianceType.FixedLarge, new[] { 1.12743908, -1.31528213 })]
    public void Fixed_variances(VarianceType variance, double[] expected)
    {
        var (clean, next) = SamplerRuns.Step(new DdpmSampler(Linear, variance), Step, X, Output, Noise);
        Close.All([0.38698179, -2.16537877], clean);
        Close.All(expected, next);
    }

    [Fact]
    public void Learned_variance_comes_from_the_second_half_of_the_channels()
    {
        var (clean, next) = SamplerRuns.Step(
            new DdpmSampler(Linear, VarianceType.LearnedRange),
            Step,
            X,
            [.. Output, -.5f, .25f],
            Noise
        );
        Close.All([0.38698179, -2.16537877], clean);
        Close.All([1.08570153, -1.30759805], next);
    }

    /// <summary>What is predicted is the variance itself; one below zero is none.</summary>
    [Fact]
    public void A_learned_variance_is_taken_as_it_is()
    {
        var sampler = new DdpmSampler(Linear, VarianceType.Learned);
        var small = (float)sampler.Variance(Step).Small;
        var (_, next) = SamplerRuns.Step(sampler, Step, X, [.. Output, small, small], Noise);
        Close.All([1.07224914, -1.29521306], next);
        (_, next) = SamplerRuns.Step(sampler, Step, X, [.. Output, -1, 0], Noise);
        var (_, still) = SamplerRuns.Step(sampler, Step, X, [.. Output, 0, 0], new float[2]);
        Close.All([still[0], still[1]], next);
    }

    /// <summary>DDIM has variances of its own, and reads the first half of the channels.</summary>
    [Theory]
    [InlineData("learned")]
    [InlineData("learned_range")]
    public void Learned_variances_are_nothing_to_ddim(string variance)
    {
        var schedule = new NoiseSchedule(SchedulerConfig.Parse($$"""{ "variance_type": "{{variance}}" }"""));
        var fixedSchedule = new NoiseSchedule(SchedulerConfig.Parse("{}"));
        var (clean, next) = SamplerRuns.Step(new DdimSampler(schedule, 0.5), Step, X, [.. Output, 3, -2], Noise);
        var expected = SamplerRuns.Step(new DdimSampler(fixedSchedule, 0.5), Step, X, Output, Noise);
        Assert.Equal(expected.CleanSample, clean);
        Assert.Equal(expected.Next, next);
    }

    [Fact]
    public void Fixed_variances_pass_over_a_predicted_one()
    {
        var (_, next) = SamplerRuns.Step(new DdpmSampler(Linear), Step, X, [.. Output, -.5f, .25f], Noise);
        Close.All([1.07224914, -1.29521306], next);
    }

    [Fact]
    public void Learned_variance_needs_the_channels() =>
        Faults.Expect(
            "DQ1057",
            () => SamplerRuns.Step(new DdpmSampler(Linear, VarianceType.LearnedRange), Step, X, Output, Noise)
        );

    [Fact]
    public void The_last_step_adds_no_noise()
    {
        var sampler = new DdpmSampler(NoiseSchedule.Parse("""{"steps_offset":1,"variance_type":"fixed_large"}"""));
        Assert.False(sampler.AddsNoise(new(9, 1, -1)));
        Assert.True(sampler.AddsNoise(new(8, 101, 1)));
    }

    [Fact]
    public void The_clean_sample_is_clipped_by_default()
    {
        var (clean, _) = SamplerRuns.Step(new DdpmSampler(NoiseSchedule.Parse("{}")), Step, X, Output, Noise);
        Close.All([0.38698179, -1], clean);
    }
}
