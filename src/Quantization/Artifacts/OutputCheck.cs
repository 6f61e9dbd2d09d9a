using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Loads the written file and compares its output with the float model's on one batch, all along a trajectory.</summary>
internal static class OutputCheck
{
    // Images that calibration has not seen: it counts from zero.
    private const int FirstImage = 1_000_000;
    private const int Images = 4;

    // A trajectory of DDPM has a thousand steps.
    private const int MostSteps = 50;

    // Layers are compared at fewer of them, for that takes all that they put out.
    private const int StepsOfLayers = 8;

    /// <summary>Why no trajectory can be made; null where one can.</summary>
    /// <param name="state">The model and its trajectory.</param>
    /// <param name="isNeeded">Whether calibration needs one, too.</param>
    /// <exception cref="DiffusionQuantException">DQ1049 to DQ1058: calibration cannot be made; or something that was given does
    /// not fit.</exception>
    public static string? Hindrance(QuantizationState state, bool isNeeded)
    {
        const string ConditioningMissing = "DQ1050";
        try
        {
            Trajectory.Check(state.Source.Contract, state.Source.Schedule, state.Trajectory);
            return null;
        }
        catch (DiffusionQuantException e) when (!isNeeded && e.Code == ConditioningMissing)
        {
            return e.Message;
        }
    }

    /// <summary>Only loads the written file.</summary>
    public static (IReadOnlyList<TimestepSqnr> Sqnr, IReadOnlyList<DenoiserCall> Calls) Load(
        string quantizedPath,
        SessionSettings settings
    )
    {
        using var session = ModelSession.Load(quantizedPath, settings);
        return ([], []);
    }

    /// <summary>Compares the outputs.</summary>
    /// <returns>The output's SQNR by timestep, the last step's among them, and some of the calls that it was compared on.</returns>
    public static (IReadOnlyList<TimestepSqnr> Sqnr, IReadOnlyList<DenoiserCall> Calls) Run(
        QuantizationState state,
        string quantizedPath,
        SessionSettings settings,
        CancellationToken cancellation
    )
    {
        var source = state.Source;
        // Files of some exporters call several nodes the same, which ONNX Runtime refuses.
        var named = source.Model.Clone();
        NormalizeGraph.NameNodes(named.Graph);
        using var floatSession = ModelSession.Load(named, settings);
        using var floatDenoiser = new OnnxDenoiser(floatSession, source.Contract);
        using var quantizedSession = ModelSession.Load(quantizedPath, settings);
        using var quantizedDenoiser = new OnnxDenoiser(quantizedSession, source.Contract);
        var trajectory = new Trajectory(floatDenoiser, source.Schedule, state.Trajectory);
        var compared = FromEndToEnd(trajectory.Solver.Timesteps.Count, MostSteps);
        var kept = FromEndToEnd(compared.Length, StepsOfLayers).Select(i => compared[i]).ToHashSet();
        var images = Enumerable.Range(FirstImage, source.Contract.FixedBatch ?? Images).ToArray();
        var result = new List<TimestepSqnr>();
        var calls = new List<DenoiserCall>();
        foreach (var step in trajectory.Steps(images, cancellation))
        {
            if (Array.BinarySearch(compared, step.Index) < 0)
            {
                continue;
            }

            if (kept.Contains(step.Index))
            {
                calls.Add(step.Call);
            }

            var quantized = quantizedDenoiser.Predict(step.Call, cancellation);
            var decibels = SignalToNoise.Decibels(step.ConditionalOutput, quantized);
            result.Add(
                double.IsFinite(decibels)
                    ? new(step.Timestep, Math.Round(decibels, 2))
                    : throw QuantizationErrors.OutputNotFinite(quantizedPath, step.Timestep)
            );
        }

        return (result, calls);
    }

    /// <summary>Numbers of evenly spaced steps, the first and the last among them; all where there are not more.</summary>
    private static int[] FromEndToEnd(int steps, int most) =>
        steps <= most
            ? [.. Enumerable.Range(0, steps)]
            : [.. Enumerable.Range(0, most).Select(i => (int)((long)i * (steps - 1) / (most - 1)))];
}
