namespace DiffusionQuant.Diffusion.Tests.Solvers;

public sealed class DdimSolverTests
{
    private static readonly SolverKind Ddim = SolverKind.Find("ddim")!;

    private const string StableDiffusion = """
        {"_class_name":"DDIMScheduler","beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012,"steps_offset":1,"set_alpha_to_one":false,"clip_sample":false}
        """;

    private const string Linear = """{"_class_name":"DDIMScheduler","clip_sample":false}""";

    [Fact]
    public void Trace_of_Stable_Diffusion()
    {
        var schedule = NoisePath.Parse(StableDiffusion);
        var trace = SolverRuns.Run(schedule, new() { Kind = Ddim, Steps = 10 }, [1], (x, _) => 0.1f * x);
        Close.All(
            [
                1.5531608,
                2.2458805,
                3.0422617,
                3.8839656,
                4.7013216,
                5.4275789,
                6.0111695,
                6.4203883,
                6.5928668,
                6.5876809,
            ],
            trace.Select(x => x[0])
        );
    }

    [Fact]
    public void Trace_to_an_alpha_of_one()
    {
        var schedule = NoisePath.Parse(Linear);
        var trace = SolverRuns.Run(schedule, new() { Kind = Ddim, Steps = 10 }, [1], (x, _) => 0.1f * x);
        Close.All(
            [
                2.2256261,
                4.4976559,
                8.2569244,
                13.774208,
                20.877815,
                28.736781,
                35.886835,
                40.614929,
                41.576371,
                41.536872,
            ],
            trace.Select(x => x[0])
        );
    }

    /// <summary>The constants of diffusers' own scheduler tests: 768 numbers i/768, a network x·t/(t+1), ten steps.</summary>
    [Theory]
    [InlineData("epsilon", 172.0067, .223967)]
    [InlineData("v_prediction", 52.5302, .0684)]
    public void Constants_of_the_diffusers_tests(string prediction, double sum, double mean)
    {
        var schedule = NoisePath.Parse($$"""{"_class_name":"DDIMScheduler","prediction_type":"{{prediction}}"}""");
        var x = Enumerable.Range(0, 768).Select(i => i / 768f).ToArray();
        var last = SolverRuns.Run(
            schedule,
            new() { Kind = Ddim, Steps = 10 },
            x,
            (v, t) => v * (float)t / (float)(t + 1)
        )[^1];
        Assert.Equal(sum, last.Sum(v => Math.Abs((double)v)), 1e-2);
        Assert.Equal(mean, last.Average(v => Math.Abs((double)v)), 1e-3);
    }

    [Theory]
    [InlineData(420, 400, .1477195)]
    [InlineData(980, 960, .3246052)]
    [InlineData(487, 486, .0097916)]
    [InlineData(999, 998, .0199999)]
    public void Variance(int timestep, int previous, double expected)
    {
        SamplerSettings settings = new()
        {
            Kind = Ddim,
            Eta = 1,
            Timesteps = [timestep, previous],
        };
        var (_, next) = SolverRuns.Step(NoisePath.Parse(Linear), settings, [0], [0], [1]);
        Close.All([Math.Sqrt(expected)], next);
    }

    [Fact]
    public void Noise_and_velocity()
    {
        var schedule = NoisePath.Parse(
            """{"_class_name":"DDIMScheduler","clip_sample":false,"prediction_type":"v_prediction"}"""
        );
        var (clean, next) = SolverRuns.Step(
            schedule,
            new()
            {
                Kind = Ddim,
                Eta = 0.5,
                Timesteps = [500, 400],
            },
            [.3f, -.7f],
            [.2f, -.1f],
            [1.1f, -.4f]
        );
        Close.All([-0.10838668, -0.09921295], clean);
        Close.All([0.63273738, -0.76377792], next);
    }

    [Fact]
    public void Sample_prediction()
    {
        var schedule = NoisePath.Parse(
            """{"_class_name":"DDIMScheduler","clip_sample":false,"prediction_type":"sample"}"""
        );
        var (clean, next) = SolverRuns.Step(
            schedule,
            new() { Kind = Ddim, Timesteps = [500, 400] },
            [.3f, -.7f],
            [.2f, -.1f],
            []
        );
        Close.All([.2, -.1], clean);
        Close.All([0.31636591, -0.67250145], next);
    }

    [Theory]
    [InlineData(0.9, 2, new[] { 0.25, -1, 1, 0.05, -0.1, 0.85, -0.55, 0.45 })]
    [InlineData(0.5, 10, new[] { 0.5, -1, 1, 0.1, -0.2, 1, -1, 0.9 })]
    [InlineData(
        0.9,
        10,
        new[]
        {
            0.18867924528,
            -1,
            0.94339622641,
            0.0377358490,
            -0.0754716981,
            0.6415094339,
            -0.4150943396,
            0.3396226415,
        }
    )]
    public void Dynamic_thresholding(double ratio, double most, double[] expected)
    {
        var schedule = new NoiseSchedule(
            new()
            {
                Prediction = PredictionType.Sample,
                ClipRange = 1,
                Thresholding = new(ratio, most),
            }
        );
        float[] output = [0.5f, -3, 2.5f, 0.1f, -0.2f, 1.7f, -1.1f, 0.9f];
        var (clean, _) = SolverRuns.Step(
            schedule,
            new() { Kind = Ddim, Timesteps = [500, 400] },
            new float[8],
            output,
            []
        );
        Close.All(expected, clean, 1e-6);
    }

    [Fact]
    public void Eta_has_a_range()
    {
        var schedule = NoisePath.Parse(Linear);
        Faults.Expect("DQ1058", () => new SamplerSettings { Kind = Ddim, Eta = -0.1 }.CreateSolver(schedule));
        Faults.Expect("DQ1058", () => new SamplerSettings { Kind = Ddim, Eta = double.NaN }.CreateSolver(schedule));
    }

    [Fact]
    public void Zero_terminal_snr_starts_without_dividing_by_zero()
    {
        var schedule = NoisePath.Parse(
            """{"_class_name":"DDIMScheduler","rescale_betas_zero_snr":true,"prediction_type":"v_prediction","timestep_spacing":"trailing"}"""
        );
        var last = SolverRuns.Run(schedule, new() { Kind = Ddim, Steps = 5 }, [.3f, -.7f], (x, _) => -x)[^1];
        Assert.All(last, v => Assert.True(float.IsFinite(v)));
    }
}
