namespace DiffusionQuant.Diffusion;

/// <summary>Timesteps of models that were distilled from a solver of so many steps: a part of that solver's own.</summary>
internal static class DistilledGrid
{
    public static TimestepGrid Of(NoiseSchedule schedule, SamplerSettings settings, SolverKind kind)
    {
        if (settings.Timesteps is not null || settings.Quadratic)
        {
            return settings.CreateGrid(schedule);
        }

        var steps = settings.StepsOr(kind.UsualSteps);
        var original = Math.Min(schedule.Config.Solver.OriginalSteps, schedule.TrainTimesteps);
        if (steps < 1 || steps > original)
        {
            throw DiffusionErrors.BadTimesteps(
                $"{steps} steps are wanted, and the model was distilled from {original} (original_inference_steps)"
            );
        }

        var stride = schedule.TrainTimesteps / original;
        return TimestepGrid.Of(
            schedule,
            [
                .. Enumerable
                    .Range(0, steps)
                    .Select(i => (double)(((original - (int)((long)i * original / steps)) * stride) - 1)),
            ]
        );
    }
}
