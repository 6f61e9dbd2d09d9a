namespace DiffusionQuant.Diffusion.Tests.Solvers;

/// <summary>
/// Whatever the solver, order and spacing: with many steps the same noise becomes the same picture, since all of them solve one
/// equation. A wrong factor in a form that no trace covers would end elsewhere.
/// </summary>
public sealed class ConvergenceTests
{
    private const string Betas =
        "\"beta_schedule\":\"scaled_linear\",\"beta_start\":0.00085,\"beta_end\":0.012,\"clip_sample\":false";

    // DDIM and PNDM go ⌊T/n⌋ timesteps a step, whatever the spacing: others would end beside the grid.
    private const string Trailing = "\"timestep_spacing\":\"trailing\"";

    private static readonly float[] Noise = [1.3f, -0.4f, 0.7f, -2.1f];

    public static TheoryData<string, string> Discrete
    {
        get
        {
            var data = new TheoryData<string, string>
            {
                { "DDIMScheduler", Trailing },
                { "PNDMScheduler", $"\"skip_prk_steps\":true,{Trailing}" },
                { "PNDMScheduler", $"\"skip_prk_steps\":false,{Trailing}" },
                { "HeunDiscreteScheduler", "" },
                { "LMSDiscreteScheduler", "" },
                { "KDPM2DiscreteScheduler", "" },
                { "EulerDiscreteScheduler", "\"interpolation_type\":\"log_linear\"" },
                {
                    "DPMSolverMultistepScheduler",
                    "\"algorithm_type\":\"dpmsolver\",\"final_sigmas_type\":\"sigma_min\""
                },
                { "DPMSolverMultistepScheduler", "\"algorithm_type\":\"dpmsolver\",\"final_sigmas_type\":\"zero\"" },
                {
                    "DPMSolverMultistepScheduler",
                    "\"algorithm_type\":\"dpmsolver\",\"solver_order\":3,\"final_sigmas_type\":\"sigma_min\""
                },
                {
                    "DPMSolverMultistepScheduler",
                    "\"algorithm_type\":\"dpmsolver\",\"solver_type\":\"heun\",\"final_sigmas_type\":\"sigma_min\""
                },
                { "UniPCMultistepScheduler", "\"predict_x0\":false,\"final_sigmas_type\":\"sigma_min\"" },
                { "UniPCMultistepScheduler", "\"disable_corrector\":[0,1,2]" },
            };
            foreach (var spacing in new[] { "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas" })
            {
                data.Add("EulerDiscreteScheduler", $"\"{spacing}\":true");
                data.Add("DPMSolverMultistepScheduler", $"\"{spacing}\":true");
                data.Add("UniPCMultistepScheduler", $"\"{spacing}\":true");
            }

            data.Add("DPMSolverMultistepScheduler", "\"use_lu_lambdas\":true");
            foreach (var order in new[] { 1, 2, 3 })
            {
                data.Add("DPMSolverMultistepScheduler", $"\"solver_order\":{order}");
                data.Add("DPMSolverSinglestepScheduler", $"\"solver_order\":{order}");
                data.Add("DPMSolverSinglestepScheduler", $"\"solver_order\":{order},\"solver_type\":\"heun\"");
                data.Add("DEISMultistepScheduler", $"\"solver_order\":{order}");
                data.Add("UniPCMultistepScheduler", $"\"solver_order\":{order},\"solver_type\":\"bh1\"");
                data.Add("UniPCMultistepScheduler", $"\"solver_order\":{order},\"solver_type\":\"bh2\"");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Discrete))]
    public void Solvers_of_a_discrete_schedule_agree(string className, string options)
    {
        foreach (var prediction in new[] { "epsilon", "v_prediction", "sample" })
        {
            var expected = Run(Config("EulerDiscreteScheduler", "", prediction), 999);
            var actual = Run(Config(className, options, prediction), 250);
            Near(expected, actual, 0.02, $"{className} {options} {prediction}");
        }
    }

    [Theory]
    [InlineData("""{"_class_name":"FlowMatchHeunDiscreteScheduler","shift":3}""")]
    [InlineData("""{"_class_name":"FlowMatchEulerDiscreteScheduler","use_dynamic_shifting":true}""")]
    [InlineData("""{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3,"use_karras_sigmas":true}""")]
    [InlineData(
        """{"_class_name":"UniPCMultistepScheduler","prediction_type":"flow_prediction","use_flow_sigmas":true,"flow_shift":3}"""
    )]
    [InlineData(
        """{"_class_name":"DPMSolverMultistepScheduler","prediction_type":"flow_prediction","use_flow_sigmas":true,"solver_order":3}"""
    )]
    public void Solvers_of_a_flow_agree(string json)
    {
        var expected = Run(NoisePath.Parse("""{"_class_name":"FlowMatchEulerDiscreteScheduler"}"""), 999);
        Near(expected, Run(NoisePath.Parse(json), 300), 0.02, json);
    }

    [Theory]
    [InlineData("""{"_class_name":"EDMEulerScheduler","sigma_schedule":"exponential"}""")]
    [InlineData("""{"_class_name":"EDMDPMSolverMultistepScheduler"}""")]
    [InlineData("""{"_class_name":"EDMDPMSolverMultistepScheduler","solver_order":3,"solver_type":"heun"}""")]
    public void Solvers_of_EDM_agree(string json)
    {
        var expected = Run(NoisePath.Parse("""{"_class_name":"EDMEulerScheduler"}"""), 2000);
        Near(expected, Run(NoisePath.Parse(json), 400), 0.02, json);
    }

    private static NoisePath Config(string className, string options, string prediction) =>
        NoisePath.Parse(
            $$"""{"_class_name":"{{className}}","prediction_type":"{{prediction}}",{{Betas}}{{(
                options.Length > 0 ? "," + options : ""
            )}}}"""
        );

    private static float[] Run(NoisePath path, int steps)
    {
        var solver = new SamplerSettings { Steps = steps }.CreateSolver(path);
        // Each begins at a noise level of its own; noise is all there is to it.
        var run = solver.Start([.. Noise.Select(n => (float)(n * solver.InitialScale))]);
        for (var call = 0; call < solver.Timesteps.Count; call++)
        {
            var scale = solver.InputScale(call);
            var output = Array.ConvertAll(run.Sample, x => Network(x * scale, path, solver.LevelAt(call)));
            run.Step(output, [], new float[output.Length]);
        }

        return run.Sample;
    }

    /// <summary>One estimate of the noise, told as the path's networks tell it.</summary>
    private static float Network(double x, NoisePath path, NoiseLevel level)
    {
        var epsilon = 0.6 * Math.Tanh(x);
        if (path is not NoiseSchedule)
        {
            return (float)epsilon;
        }

        var ratio = level.Sigma / level.Alpha;
        var alpha = 1 / Math.Sqrt(1 + (ratio * ratio));
        var clean = (x - (alpha * ratio * epsilon)) / alpha;
        return (float)(
            path.Prediction switch
            {
                PredictionType.Velocity => (alpha * epsilon) - (alpha * ratio * clean),
                PredictionType.Sample => clean,
                _ => epsilon,
            }
        );
    }

    private static void Near(float[] expected, float[] actual, double share, string what)
    {
        var size = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= share * size,
                $"{what}: {string.Join(' ', actual)} and not {string.Join(' ', expected)}"
            );
        }
    }
}
