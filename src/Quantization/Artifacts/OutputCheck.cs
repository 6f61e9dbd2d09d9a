using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Calibration.Timesteps;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Loads the written file and compares its output with the float model's on one batch along a trajectory.</summary>
internal static class OutputCheck
{
    // Images that calibration has not seen: it counts from zero.
    private const int FirstImage = 1_000_000;
    private const int Images = 4;
    private const int Timesteps = 8;

    /// <returns>The output's SQNR by timestep, and the calls that it was compared on.</returns>
    public static (IReadOnlyList<TimestepSqnr> Sqnr, IReadOnlyList<DenoiserCall> Calls) Run(
        DiffusionModel source,
        string quantizedPath,
        Recipe recipe,
        SessionSettings settings,
        CancellationToken cancellation
    )
    {
        // Files of some exporters call several nodes the same, which ONNX Runtime refuses.
        var named = source.Model.Clone();
        NormalizeGraph.NameNodes(named.Graph);
        using var floatSession = ModelSession.Load(named, settings);
        using var floatDenoiser = new OnnxDenoiser(floatSession, source.Contract);
        using var quantizedSession = ModelSession.Load(quantizedPath, settings);
        using var quantizedDenoiser = new OnnxDenoiser(quantizedSession, source.Contract);
        var trajectory = new Trajectory(floatDenoiser, source.Schedule, CalibrationTrajectory.Settings(recipe));
        var compared = EvenlySpacedSteps.Of(trajectory.Grid.Count, Math.Min(Timesteps, trajectory.Grid.Count));
        var images = Enumerable.Range(FirstImage, source.Contract.FixedBatch ?? Images).ToArray();
        var result = new List<TimestepSqnr>();
        var calls = new List<DenoiserCall>();
        foreach (var step in trajectory.Steps(images, cancellation))
        {
            if (compared.Contains(step.Pair.Index))
            {
                calls.Add(step.Call);
                var exact = floatDenoiser.Predict(step.Call, cancellation);
                var quantized = quantizedDenoiser.Predict(step.Call, cancellation);
                var decibels = SignalToNoise.Decibels(exact, quantized);
                result.Add(
                    double.IsFinite(decibels)
                        ? new(step.Pair.Timestep, Math.Round(decibels, 2))
                        : throw QuantizationErrors.OutputNotFinite(quantizedPath, step.Pair.Timestep)
                );
            }

            if (result.Count == compared.Length)
            {
                break;
            }
        }

        return (result, calls);
    }
}
