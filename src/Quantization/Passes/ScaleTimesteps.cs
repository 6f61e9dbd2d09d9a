using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Gives activations step sizes per group of timesteps where their ranges differ (the finite set calibration of TFMQ-DM,
/// Huang et al., CVPR 2024, section 4.3): a layer's input is divided by the timestep's factor, its output multiplied by
/// it, and the bias added behind that. The layer itself keeps constant scales, and so its integer kernel. What the network
/// computes in float does not change.
/// </summary>
/// <param name="ranges">Finds the range of each group.</param>
/// <param name="leastGain">From how many dB of squared error on, the mean over groups, factors are worth their two
/// multiplications.</param>
public sealed class ScaleTimesteps(IRangeEstimator ranges, double leastGain = 1) : IQuantizationPass
{
    /// <summary>How many samples a group's range is found from, those of its neighbours included.</summary>
    private const int LeastSamples = 64;

    /// <inheritdoc/>
    public string Name => "scale timesteps";

    /// <inheritdoc/>
    public double Weight => 40;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var timesteps = state.Statistics!.Timesteps.Distinct().ToArray();
        if (timesteps.Length < 2)
        {
            return state;
        }

        var chosen = Search(state, timesteps, context);
        if (chosen.Count == 0)
        {
            return state;
        }

        return TimestepScaling.Run(
            state,
            timesteps,
            chosen.ToDictionary(c => c.Key, c => c.Value.Factors),
            input => chosen[input].Common,
            ranges,
            context
        );
    }

    private Dictionary<ScaledInput, TimestepScales> Search(
        QuantizationState state,
        double[] timesteps,
        PassContext context
    )
    {
        var inputs = ScaledInput.Find(state).Where(i => TimestepScaling.CanScale(state, i)).ToArray();
        var found = new TimestepScales[inputs.Length];
        var perGroup = Math.Max(state.Statistics!.Samples / timesteps.Length, 1);
        var around = (LeastSamples + perGroup - 1) / perGroup / 2;
        Workers.For(
            0,
            inputs.Length,
            i =>
            {
                var point = inputs[i].Point;
                var seen = state.Statistics!.Of(point.Value);
                found[i] = TimestepScales.Search(
                    [.. timesteps.Select((_, g) => Pooled(seen, timesteps, g, around))],
                    seen.All,
                    point.Bits,
                    point.Symmetry,
                    ranges
                );
            }
        );
        return inputs.Zip(found).Where(f => f.Second.Gain >= leastGain).ToDictionary(f => f.First, f => f.Second);
    }

    /// <summary>
    /// What was seen at a timestep and at its neighbours: ranges of few samples are too narrow for others, and they change
    /// little from one timestep to the next.
    /// </summary>
    private static StreamingHistogram Pooled(PointStatistics seen, double[] timesteps, int group, int around)
    {
        var pooled = new StreamingHistogram(seen.ByTimestep[timesteps[group]].Counts.Length);
        for (var g = Math.Max(group - around, 0); g <= Math.Min(group + around, timesteps.Length - 1); g++)
        {
            pooled.Merge(seen.ByTimestep[timesteps[g]]);
        }

        return pooled;
    }
}
