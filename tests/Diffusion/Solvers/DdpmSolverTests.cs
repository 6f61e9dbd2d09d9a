namespace DiffusionQuant.Diffusion.Tests.Solvers;

public sealed class DdpmSolverTests
{
    private static readonly SolverKind Ddpm = SolverKind.Find("ddpm")!;
    private static readonly NoisePath Linear = NoisePath.Parse("""{"clip_sample":false}""");
    private static readonly float[] X = [.3f, -.7f];
    private static readonly float[] Output = [.2f, -.1f];
    private static readonly float[] Noise = [1.1f, -.4f];

    [Theory]
    [InlineData(10, 0, .031875167, .422872, .81972007, .82073582)]
    [InlineData(10, 1, .064782459, .4659827, .77631919, .78050963)]
    [InlineData(10, 4, .2853436, .55436792, .52301296, .59809965)]
    [InlineData(10, 7, .73444364, .26127871, .0813984, .26676739)]
    [InlineData(10, 8, .99909629, .00090232774, 9.9914622e-05, .10476889)]
    [InlineData(1000, 0, 1.2835148e-4, .98994868, .019999983, .02)]
    [InlineData(1000, 499, .0030580571, .99410435, .010051336, .010060059)]
    [InlineData(1000, 998, .5452915, .4547085, 5.4531875e-5, 1.19919e-4)]
    public void Coefficients(int steps, int call, double clean, double sample, double small, double large)
    {
        // A network that tells x0, so that each term stands alone.
        var path = NoisePath.Parse("""{"clip_sample":false,"prediction_type":"sample"}""");
        double After(float x, float output, float noise, VarianceType variance)
        {
            SamplerSettings settings = new()
            {
                Kind = Ddpm,
                Steps = steps,
                Variance = variance,
            };
            var run = settings.CreateSolver(path).Start([x], call);
            run.Step([output], [noise], new float[1]);
            return run.Sample[0];
        }

        Close.All(
            [clean, sample, Math.Sqrt(small), Math.Sqrt(large)],
            [
                After(0, 1, 0, VarianceType.FixedSmall),
                After(1, 0, 0, VarianceType.FixedSmall),
                After(0, 0, 1, VarianceType.FixedSmall),
                After(0, 0, 1, VarianceType.FixedLarge),
            ]
        );
    }

    [Fact]
    public void The_last_step_gives_the_clean_sample_and_adds_no_noise()
    {
        var path = NoisePath.Parse("""{"steps_offset":1,"variance_type":"fixed_large","prediction_type":"sample"}""");
        var solver = new SamplerSettings { Kind = Ddpm, Steps = 10 }.CreateSolver(path);
        Assert.Equal(Enumerable.Repeat(true, 9).Append(false), Enumerable.Range(0, 10).Select(solver.AddsNoise));
        var run = solver.Start([.3f], 9);
        run.Step([.25f], [], new float[1]);
        Close.All([.25], run.Sample);
    }

    [Theory]
    [InlineData(VarianceType.FixedSmall, new[] { 1.07224914, -1.29521306 })]
    [InlineData(VarianceType.FixedLarge, new[] { 1.12743908, -1.31528213 })]
    public void Fixed_variances(VarianceType variance, double[] expected)
    {
        var (clean, next) = SolverRuns.Step(Linear, Of(variance), X, Output, Noise);
        Close.All([0.38698179, -2.16537877], clean);
        Close.All(expected, next);
    }

    [Fact]
    public void Learned_variance_comes_from_the_second_half_of_the_channels()
    {
        var (clean, next) = SolverRuns.Step(Linear, Of(VarianceType.LearnedRange), X, [.. Output, -.5f, .25f], Noise);
        Close.All([0.38698179, -2.16537877], clean);
        Close.All([1.08570153, -1.30759805], next);
    }

    /// <summary>What is predicted is the variance itself; one below zero is none.</summary>
    [Fact]
    public void A_learned_variance_is_taken_as_it_is()
    {
        (float[] Clean, float[] Next) Step(float[] output, float[] noise) =>
            SolverRuns.Step(Linear, Of(VarianceType.Learned), X, output, noise);
        // The fixed small variance at 500 to 400.
        var alphas = ((NoiseSchedule)Linear).AlphasCumprod;
        var small = (float)((1 - alphas[400]) / (1 - alphas[500]) * (1 - (alphas[500] / alphas[400])));
        Close.All([1.07224914, -1.29521306], Step([.. Output, small, small], Noise).Next);
        var still = Step([.. Output, 0, 0], new float[2]).Next;
        Close.All([still[0], still[1]], Step([.. Output, -1, 0], Noise).Next);
    }

    /// <summary>DDIM has variances of its own, and reads the first half of the channels.</summary>
    [Theory]
    [InlineData("learned")]
    [InlineData("learned_range")]
    public void Learned_variances_are_nothing_to_ddim(string variance)
    {
        var schedule = new NoiseSchedule(SchedulerConfig.Parse($$"""{ "variance_type": "{{variance}}" }"""));
        var fixedSchedule = new NoiseSchedule(SchedulerConfig.Parse("{}"));
        SamplerSettings ddim = new()
        {
            Kind = SolverKind.Find("ddim"),
            Eta = 0.5,
            Timesteps = [500, 400],
        };
        var (clean, next) = SolverRuns.Step(schedule, ddim, X, [.. Output, 3, -2], Noise);
        var expected = SolverRuns.Step(fixedSchedule, ddim, X, Output, Noise);
        Assert.Equal(expected.CleanSample, clean);
        Assert.Equal(expected.Next, next);
    }

    [Fact]
    public void Fixed_variances_pass_over_a_predicted_one()
    {
        var (_, next) = SolverRuns.Step(Linear, Of(null), X, [.. Output, -.5f, .25f], Noise);
        Close.All([1.07224914, -1.29521306], next);
    }

    [Fact]
    public void Learned_variance_needs_the_channels() =>
        Faults.Expect("DQ1057", () => SolverRuns.Step(Linear, Of(VarianceType.LearnedRange), X, Output, Noise));

    [Fact]
    public void The_clean_sample_is_clipped_by_default()
    {
        var (clean, _) = SolverRuns.Step(NoisePath.Parse("{}"), Of(null), X, Output, Noise);
        Close.All([0.38698179, -1], clean);
    }

    private static SamplerSettings Of(VarianceType? variance) =>
        new()
        {
            Kind = Ddpm,
            Variance = variance,
            Timesteps = [500, 400],
        };
}
