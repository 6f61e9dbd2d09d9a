namespace DiffusionQuant.Diffusion.Tests.Schedules;

public sealed class SchedulerConfigTests
{
    [Fact]
    public void Config_of_Stable_Diffusion()
    {
        var config = SchedulerConfig.Parse(
            """
            {
              "_class_name": "PNDMScheduler", "_diffusers_version": "0.7.0.dev0", "beta_end": 0.012,
              "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
              "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false
            }
            """
        );
        Assert.Equal(BetaSchedule.ScaledLinear, config.BetaSchedule);
        Assert.Equal(1, config.StepsOffset);
        Assert.False(config.SetAlphaToOne);
        Assert.Null(config.ClipRange);
        Assert.Equal(TimestepSpacing.Leading, config.Spacing);
    }

    [Theory]
    [InlineData("EulerDiscreteScheduler", TimestepSpacing.Linspace)]
    [InlineData("DPMSolverMultistepScheduler", TimestepSpacing.Linspace)]
    [InlineData("UniPCMultistepScheduler", TimestepSpacing.Linspace)]
    [InlineData("LCMScheduler", TimestepSpacing.Leading)]
    public void Spacing_follows_the_class(string className, TimestepSpacing spacing) =>
        Assert.Equal(spacing, SchedulerConfig.Parse($$"""{"_class_name":"{{className}}"}""").Spacing);

    [Fact]
    public void Thresholding()
    {
        var config = SchedulerConfig.Parse(
            """{"thresholding":true,"dynamic_thresholding_ratio":0.9,"sample_max_value":2}"""
        );
        Assert.Equal(new DynamicThreshold(0.9, 2), config.Thresholding);
    }

    [Theory]
    [InlineData("""{"beta_start":0}""", "beta_start")]
    [InlineData("""{"beta_end":"high"}""", "beta_end")]
    [InlineData("""{"beta_schedule":"cubic"}""", "squaredcos_cap_v2")]
    [InlineData("""{"prediction_type":"score"}""", "v_prediction")]
    [InlineData("""{"num_train_timesteps":0}""", "num_train_timesteps")]
    [InlineData("""{"num_train_timesteps":10.5}""", "num_train_timesteps")]
    [InlineData("""{"clip_sample":1}""", "clip_sample")]
    [InlineData("""{"trained_betas":[]}""", "trained_betas")]
    [InlineData("""{"trained_betas":[0.1,2]}""", "trained_betas")]
    [InlineData("""{"variance_type":"learned_sigma"}""", "learned_range")]
    [InlineData("""{"rescale_betas_zero_snr":true}""", "prediction_type")]
    public void Bad_values_name_key_and_file(string json, string part)
    {
        var message = Faults.Expect("DQ1046", () => SchedulerConfig.Parse(json, "a/scheduler_config.json"));
        Assert.Contains("a/scheduler_config.json", message);
        Assert.Contains(part, message);
    }

    [Theory]
    [InlineData("EulerDiscretScheduler", "EulerDiscreteScheduler")]
    [InlineData("DPMSolverMultistep", "DPMSolverMultistepScheduler")]
    [InlineData("VQDiffusionScheduler", "DPMSolverMultistepScheduler")]
    public void A_scheduler_that_is_not_known_names_the_nearest(string className, string near)
    {
        var message = Faults.Expect("DQ1048", () => SchedulerConfig.Parse($$"""{"_class_name":"{{className}}"}"""));
        Assert.Contains(className, message);
        Assert.Contains(near, message);
    }

    [Theory]
    [InlineData("FlowMatchEulerDiscreteScheduler", "invert_sigmas")]
    [InlineData("FlowMatchEulerDiscreteScheduler", "stochastic_sampling")]
    public void What_no_solver_does_is_refused(string className, string key) =>
        Assert.Contains(
            key,
            Faults.Expect("DQ1046", () => SchedulerConfig.Parse($$"""{"_class_name":"{{className}}","{{key}}":true}"""))
        );

    [Fact]
    public void Numbers_that_only_Python_writes_are_read() =>
        Assert.Equal(
            double.NegativeInfinity,
            SchedulerConfig
                .Parse("""{"_class_name":"DPMSolverMultistepScheduler","lambda_min_clipped": -Infinity, "x": NaN}""")
                .Solver.LeastLambda
        );

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    public void Broken_json(string json) => Faults.Expect("DQ1045", () => SchedulerConfig.Parse(json));

    [Fact]
    public void A_missing_file() =>
        Faults.Expect("DQ1045", () => SchedulerConfig.Load("no/such/scheduler_config.json"));

    [Theory]
    [InlineData(
        """{"_class_name":"DDIMScheduler","clip_sample":false,"timestep_spacing":"trailing","prediction_type":"sample","variance_type":"fixed_large"}"""
    )]
    [InlineData(
        """{"thresholding":true,"sample_max_value":3,"clip_sample_range":2.5,"steps_offset":1,"set_alpha_to_one":false,"snr_shift_scale":2}"""
    )]
    [InlineData("""{"beta_schedule":"sigmoid"}""")]
    [InlineData(
        """{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver++","solver_order":3,"use_karras_sigmas":true,"euler_at_final":true,"lambda_min_clipped":-5.1}"""
    )]
    [InlineData(
        """{"_class_name":"UniPCMultistepScheduler","prediction_type":"flow_prediction","use_flow_sigmas":true,"flow_shift":3}"""
    )]
    [InlineData(
        """{"_class_name":"FlowMatchEulerDiscreteScheduler","use_dynamic_shifting":true,"shift_terminal":0.1}"""
    )]
    [InlineData("""{"_class_name":"EDMEulerScheduler","sigma_max":70,"sigma_schedule":"exponential"}""")]
    [InlineData("""{"_class_name":"CMStochasticIterativeScheduler"}""")]
    [InlineData("""{"_class_name":"DEISMultistepScheduler","solver_type":"logrho"}""")]
    public void Json_that_is_written_reads_the_same(string json)
    {
        var config = SchedulerConfig.Parse(json);
        Assert.Equal(config, SchedulerConfig.Parse(config.ToJson()));
    }
}
