namespace DiffusionQuant.Diffusion.Tests.Schedules;

/// <summary>Against numbers worked out with NumPy from diffusers' formulas.</summary>
public sealed class NoiseScheduleTests
{
    private static readonly int[] At = [0, 1, 10, 100, 250, 500, 750, 900, 999];

    [Theory]
    [InlineData(
        """{"beta_schedule":"linear"}""",
        new[]
        {
            .9999,
            .99978009,
            .99780657,
            .89514159,
            .52142303,
            .077796658,
            .0033001584,
            .00027024452,
            4.0358298e-05,
        }
    )]
    [InlineData(
        """{"beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012}""",
        new[] { .99915, .99829603, .99043131, .89422348, .67379263, .27633268, .056169848, .014151142, .0046600985 }
    )]
    [InlineData(
        """{"beta_start":0.0015,"beta_end":0.0195}""",
        new[] { .9985, .99698426, .98264739, .78443108, .3891454, .048847783, .0019647487, .00016511817, 2.5692025e-05 }
    )]
    [InlineData(
        """{"beta_schedule":"squaredcos_cap_v2"}""",
        new[] { .99995872, .99991258, .9992789, .97157568, .84588799, .49228517, .14317865, .023616109, 2.4287669e-09 }
    )]
    public void Alphas(string json, double[] expected)
    {
        var schedule = Discrete.Parse(json);
        Close.All(expected, At.Select(t => schedule.AlphasCumprod[t]));
    }

    [Fact]
    public void Sigmoid()
    {
        var alphas = Discrete.Parse("""{"beta_schedule":"sigmoid"}""").AlphasCumprod;
        Close.All(
            [9.99850795e-01, 9.98326190e-01, 2.98887628e-01, 3.96818199e-05],
            [alphas[0], alphas[10], alphas[500], alphas[999]]
        );
    }

    [Fact]
    public void Betas_of_the_cosine_schedule_are_capped()
    {
        var schedule = Discrete.Parse("""{"beta_schedule":"squaredcos_cap_v2"}""");
        Close.All(
            [4.1284225e-05, 4.6141753e-05, .0031556914, .74999939, .999],
            new[] { 0, 1, 500, 998, 999 }.Select(schedule.Beta)
        );
    }

    [Fact]
    public void Zero_terminal_snr()
    {
        var alphas = Discrete
            .Parse(
                """{"beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012,"rescale_betas_zero_snr":true,"prediction_type":"v_prediction"}"""
            )
            .AlphasCumprod;
        Close.All([.99915, .24101878, 1.9678878e-07], [alphas[0], alphas[500], alphas[998]]);
        Assert.Equal(0, alphas[999]);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(499.25)]
    [InlineData(815.0175)]
    [InlineData(998.999)]
    public void Between_whole_timesteps_the_logarithm_of_the_snr_is_linear(double t)
    {
        var schedule = Discrete.Parse("""{"beta_schedule":"scaled_linear"}""");
        var (below, share) = ((int)t, t - (int)t);
        var expected = ((1 - share) * LogSnr(below)) + (share * LogSnr(below + 1));
        Assert.Equal(expected, LogSnr(t), 1e-9);
        Assert.Equal(schedule.AlphaCumprod(t), schedule.AlphaCumprodOrFinal(t));

        double LogSnr(double at) => Math.Log(schedule.AlphaCumprod(at) / (1 - schedule.AlphaCumprod(at)));
    }

    [Fact]
    public void Whole_timesteps_have_the_schedule_s_own_numbers_and_those_below_zero_no_noise()
    {
        var schedule = Discrete.Parse("{}");
        Assert.Equal(schedule.AlphasCumprod, Enumerable.Range(0, 1000).Select(t => schedule.AlphaCumprod(t)));
        Assert.Equal(1, schedule.AlphaCumprod(-0.25));
    }

    [Fact]
    public void Before_a_timestep_without_signal_its_root_falls_to_nothing()
    {
        var schedule = Discrete.Parse("""{"rescale_betas_zero_snr":true,"prediction_type":"v_prediction"}""");
        Assert.Equal(0, schedule.AlphaCumprod(999));
        Assert.Equal(schedule.AlphasCumprod[998] / 4, schedule.AlphaCumprod(998.5), 1e-15);
        var clean = new NoiseSchedule(new() { TrainedBetas = [0, 0, 0.5] });
        Assert.Equal(1, clean.AlphaCumprod(0.5));
        Assert.InRange(clean.AlphaCumprod(1.5), 0.5, 1);
    }

    [Fact]
    public void Snr_shift_of_CogVideoX()
    {
        var alphas = Discrete
            .Parse(
                """{"_class_name":"CogVideoXDDIMScheduler","rescale_betas_zero_snr":true,"prediction_type":"v_prediction","timestep_spacing":"trailing"}"""
            )
            .AlphasCumprod;
        Close.All([0.99745433, 0.38905371, 0.0953281], [alphas[0], alphas[250], alphas[500]]);
        Assert.Equal(0, alphas[999]);
    }

    [Fact]
    public void Trained_betas_replace_the_formula()
    {
        var schedule = Discrete.Parse("""{"num_train_timesteps":1000,"trained_betas":[0.1,0.2,0.5]}""");
        Assert.Equal(3, schedule.TrainTimesteps);
        Close.All([.9, .72, .36], schedule.AlphasCumprod, 1e-12);
    }

    [Theory]
    [InlineData("DDIMScheduler", true, 1.0)]
    [InlineData("PNDMScheduler", false, null)]
    [InlineData("DDPMScheduler", true, 1.0)]
    [InlineData("EulerDiscreteScheduler", true, null)]
    public void Defaults_follow_the_class(string className, bool alphaToOne, double? clip)
    {
        var schedule = Discrete.Parse($$"""{"_class_name":"{{className}}"}""");
        Assert.Equal(clip, schedule.Config.ClipRange);
        Assert.Equal(alphaToOne ? 1 : schedule.AlphasCumprod[0], schedule.AlphaCumprodOrFinal(-1));
        Assert.Equal(1, schedule.AlphaCumprod(-1));
    }
}
