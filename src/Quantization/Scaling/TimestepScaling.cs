using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// Divides what layers read by a factor of the timestep, and multiplies what they give by it: the layers keep constant
/// scales, and the network computes in float what it did.
/// </summary>
internal static class TimestepScaling
{
    /// <summary>Whether a value can have factors. Softmax's output has a range of its own at all timesteps; it is left
    /// alone, and so is what has factors already.</summary>
    public static bool CanScale(QuantizationState state, ScaledInput input) =>
        input.Point.Symmetry != Symmetry.ZeroBased
        && !state.Plan.Timesteps.ContainsKey(input.Point)
        && input.HasRowPerSample(state)
        && input.Readers.All(r => state.Graph.Graph.ShapeOf(r.Layer.Node.Outputs[0]) is { Rank: > 1 });

    /// <summary>Writes factors into the graph and plans it anew.</summary>
    /// <param name="state">Graph and plan; quantizers are chosen.</param>
    /// <param name="timesteps">A timestep of each group.</param>
    /// <param name="factors">The factors of each input, one per group.</param>
    /// <param name="common">The quantizer of an input's divided values; null where it is found from what they are.</param>
    /// <param name="ranges">Finds these.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    public static QuantizationState Run(
        QuantizationState state,
        double[] timesteps,
        IReadOnlyDictionary<ScaledInput, float[]> factors,
        Func<ScaledInput, UniformQuantizer?> common,
        IRangeEstimator ranges,
        PassContext context
    )
    {
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        var tables = new TimestepFactors(editor, state.Source.Contract, timesteps);
        var writer = new TimestepScalingWriter(editor, tables);
        foreach (var (input, groups) in factors)
        {
            writer.Divide(input, groups);
        }

        foreach (var layer in factors.Keys.SelectMany(i => i.Readers).Select(r => r.Layer).Distinct())
        {
            writer.Multiply(
                layer,
                [.. factors.SelectMany(c => c.Key.Readers.Where(r => r.Layer == layer).Select(_ => (c.Key, c.Value)))]
            );
        }

        tables.Write();
        model.Graph.SortTopologically();
        model.Graph.RemoveUnused();
        var points = new Dictionary<ScaledInput, ActivationPoint>();
        state = Replanning.Run(
            state,
            model,
            plan =>
            {
                foreach (var input in factors.Keys)
                {
                    points[input] = plan.Find(input.Readers[0].Layer.Name)!.Inputs[input.Readers[0].Input];
                }

                return factors
                    .Keys.Where(i => common(i) is not null)
                    .ToDictionary(i => points[i], i => common(i)!.Value);
            },
            ranges,
            context
        );
        return state with
        {
            Plan = state.Plan with
            {
                // Another pass may have divided other inputs before.
                Timesteps = state
                    .Plan.Timesteps.Concat(
                        factors.Select(f => KeyValuePair.Create(points[f.Key], new TimestepTable(timesteps, f.Value)))
                    )
                    .ToDictionary(),
                TimestepColumns =
                [
                    .. state.Plan.TimestepColumns,
                    .. writer.Written.Select(w =>
                    {
                        var (constant, column) = tables.PlaceOf(w.Name);
                        return new TimestepColumn(constant, column, w.Kind, [.. w.Inputs.Select(i => points[i])]);
                    }),
                ],
            },
        };
    }
}
