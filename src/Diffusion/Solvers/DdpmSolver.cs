namespace DiffusionQuant.Diffusion;

/// <summary>
/// Ancestral sampling (Ho et al. 2020, "Denoising Diffusion Probabilistic Models", equations 6 and 7), over any grid of
/// timesteps as in Nichol and Dhariwal 2021, section 4.
/// </summary>
/// <remarks>The last step, to the clean sample, adds no noise.</remarks>
internal sealed class DdpmSolver(NoiseSchedule schedule, SamplerSettings settings)
    : TimestepSolver(schedule, settings.CreateGrid(schedule))
{
    // Below it a variance is taken as this, so that its logarithm exists.
    private const double LeastVariance = 1e-20;

    public static SolverKind Kind { get; } =
        new(
            "ddpm",
            ["DDPMScheduler", "DDPMParallelScheduler"],
            static (path, settings) => new DdpmSolver((NoiseSchedule)path, settings)
        )
        {
            Fits = static path => path is NoiseSchedule,
            TakesAllTimesteps = true,
        };

    /// <summary>Whether the network predicts the variance, in as many further channels.</summary>
    public override bool NeedsVariance => Variance is VarianceType.Learned or VarianceType.LearnedRange;

    public override string Name =>
        Variance switch
        {
            VarianceType.FixedLarge => "DDPM fixed_large",
            VarianceType.Learned => "DDPM learned",
            VarianceType.LearnedRange => "DDPM learned_range",
            _ => "DDPM fixed_small",
        };

    private VarianceType Variance => Schedule.Config.Variance;

    public override bool AddsNoise(int call) => Grid[call].Previous >= 0;

    public override SolverRun Start(float[] sample, int firstCall = 0) => new Run(this, sample, firstCall);

    private sealed class Run(DdpmSolver solver, float[] sample, int firstCall) : SolverRun(sample, firstCall)
    {
        private protected override void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
        {
            var schedule = solver.Schedule;
            var pair = solver.Grid[Call];
            if (solver.NeedsVariance && output.Length < 2 * Sample.Length)
            {
                throw DiffusionErrors.BadOutput(
                    "scheduler_config.json",
                    "of the model",
                    "variance_type is a learned one, but the output has as many channels as the sample, not twice as many"
                );
            }

            var alpha = schedule.AlphaCumprod(pair.Timestep);
            var previous = schedule.AlphaCumprod(pair.Previous);
            var beta = 1 - (alpha / previous);
            CleanSample.Estimate(CleanSample.At(schedule.Prediction, alpha), schedule.Config, Sample, output, clean);
            // Equation 7.
            var fromClean = Math.Sqrt(previous) * beta / (1 - alpha);
            var fromSample = Math.Sqrt(alpha / previous) * (1 - previous) / (1 - alpha);
            var small = Math.Max((1 - previous) / (1 - alpha) * beta, LeastVariance);
            var large = Math.Max(beta, LeastVariance);
            var sigma = Math.Sqrt(solver.Variance == VarianceType.FixedLarge ? large : small);
            var (logSmall, logLarge) = (Math.Log(small), Math.Log(large));
            for (var i = 0; i < Sample.Length; i++)
            {
                var value = (fromClean * clean[i]) + (fromSample * Sample[i]);
                if (solver.AddsNoise(Call))
                {
                    if (solver.Variance == VarianceType.Learned)
                    {
                        sigma = Math.Sqrt(Math.Max(output[Sample.Length + i], 0));
                    }
                    else if (solver.NeedsVariance)
                    {
                        var share = (output[Sample.Length + i] + 1.0) / 2;
                        sigma = Math.Exp(((share * logLarge) + ((1 - share) * logSmall)) / 2);
                    }

                    value += sigma * noise[i];
                }

                Sample[i] = (float)value;
            }
        }
    }
}
