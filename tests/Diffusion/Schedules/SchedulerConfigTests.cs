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
    [InlineData("""{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3.0}""")]
    [InlineData("""{"_class_name":"EDMEulerScheduler"}""")]
    [InlineData(
        """{"_class_name":"UniPCMultistepScheduler","prediction_type":"flow_prediction","use_flow_sigmas":true}"""
    )]
    public void Flow_matching_is_refused(string json) => Faults.Expect("DQ1048", () => SchedulerConfig.Parse(json));

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
    public void Json_that_is_written_reads_the_same(string json)
    {
        var config = SchedulerConfig.Parse(json);
        Assert.Equal(config, SchedulerConfig.Parse(config.ToJson()));
    }
}
