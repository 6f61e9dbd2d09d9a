using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>Runs the float model along its own denoising trajectories and counts what the plan's points see.</summary>
internal static class TrajectoryCalibration
{
    public static CalibrationStatistics Run(QuantizationState state, PassContext context)
    {
        var recipe = state.Recipe;
        var values = state.Plan.Points.Select(p => p.Value).Distinct(StringComparer.Ordinal).ToArray();
        using var session = ModelSession.Load(ObservedGraph.Of(state.Graph, values, out var outputs), context.Session);
        using var inner = new OnnxDenoiser(session, state.Source.Contract);
        var denoiser = new ObservingDenoiser(inner, state.Source.ModelPath, outputs);
        var trajectory = new Trajectory(denoiser, state.Source.Schedule, CalibrationTrajectory.Settings(recipe));
        var schedule = CalibrationSchedule.Of(trajectory.Grid, recipe.CalibrationSamples);
        denoiser.Statistics = new(values, schedule.Timesteps);
        var steps = 0;
        var total = (double)schedule.Images * trajectory.Grid.Count;
        for (var image = 0; image < schedule.Images; image += recipe.CalibrationBatch)
        {
            var images = Enumerable.Range(image, Math.Min(recipe.CalibrationBatch, schedule.Images - image)).ToArray();
            foreach (var step in trajectory.Steps(images, context.Cancellation))
            {
                steps += images.Length;
                context.Progress(steps / total, $"t = {step.Pair.Timestep}, {denoiser.Statistics.Samples} samples");
                if (step.Pair.Timestep == schedule.Timesteps[^1])
                {
                    break;
                }
            }
        }

        return denoiser.Statistics;
    }
}
