using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
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

        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        var factors = new TimestepFactors(editor, state.Source.Contract, timesteps);
        var writer = new TimestepScalingWriter(editor, factors);
        foreach (var (input, scales) in chosen)
        {
            writer.Divide(input, scales.Factors);
        }

        foreach (var layer in chosen.Keys.SelectMany(i => i.Readers).Select(r => r.Layer).Distinct())
        {
            writer.Multiply(
                layer,
                [
                    .. chosen.SelectMany(c =>
                        c.Key.Readers.Where(r => r.Layer == layer).Select(_ => (c.Key, c.Value.Factors))
                    ),
                ]
            );
        }

        factors.Write();
        model.Graph.SortTopologically();
        model.Graph.RemoveUnused();
        var points = new Dictionary<ScaledInput, ActivationPoint>();
        state = Replanning.Run(
            state,
            model,
            plan =>
            {
                foreach (var input in chosen.Keys)
                {
                    points[input] = plan.Find(input.Readers[0].Layer.Name)!.Inputs[input.Readers[0].Input];
                }

                return chosen.ToDictionary(c => points[c.Key], c => c.Value.Common);
            },
            ranges,
            context
        );
        return state with
        {
            Plan = state.Plan with
            {
                Timesteps = chosen.ToDictionary(c => points[c.Key], c => new TimestepTable(timesteps, c.Value.Factors)),
                TimestepColumns =
                [
                    .. writer.Written.Select(w =>
                    {
                        var (constant, column) = factors.PlaceOf(w.Name);
                        return new TimestepColumn(constant, column, w.Kind, [.. w.Inputs.Select(i => points[i])]);
                    }),
                ],
            },
        };
    }

    private Dictionary<ScaledInput, TimestepScales> Search(
        QuantizationState state,
        int[] timesteps,
        PassContext context
    )
    {
        var inputs = ScaledInput.Find(state).Where(i => CanBeScaled(state, i)).ToArray();
        var found = new TimestepScales[inputs.Length];
        var perGroup = Math.Max(state.Statistics!.Samples / timesteps.Length, 1);
        var around = (LeastSamples + perGroup - 1) / perGroup / 2;
        Parallel.For(
            0,
            inputs.Length,
            new() { CancellationToken = context.Cancellation },
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
    private static StreamingHistogram Pooled(PointStatistics seen, int[] timesteps, int group, int around)
    {
        var pooled = new StreamingHistogram(seen.ByTimestep[timesteps[group]].Counts.Length);
        for (var g = Math.Max(group - around, 0); g <= Math.Min(group + around, timesteps.Length - 1); g++)
        {
            pooled.Merge(seen.ByTimestep[timesteps[g]]);
        }

        return pooled;
    }

    /// <summary>Softmax's output has a range of its own at all timesteps; it is left alone.</summary>
    private static bool CanBeScaled(QuantizationState state, ScaledInput input) =>
        input.Point.Symmetry != Symmetry.ZeroBased
        && input.HasRowPerSample(state)
        && input.Readers.All(r => state.Graph.Graph.ShapeOf(r.Layer.Node.Outputs[0]) is { Rank: > 1 });
}
