using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>How values are normalized over timesteps.</summary>
public enum TimestepNormalization
{
    /// <summary>
    /// By mean and deviation of each training batch, whose samples are at many timesteps, and by their running averages
    /// when deployed: two constants.
    /// </summary>
    Batch,

    /// <summary>By the deviation at each group of timesteps: a table in the graph, chosen by each sample's timestep.</summary>
    Table,
}

/// <summary>
/// Timestep-aware quantization (TaQ of Q-DM, NeurIPS 2023): queries and keys of attention, whose ranges swing with the
/// timestep, are normalized before they are rounded, so that one step size serves all timesteps. At the beginning the float
/// network computes what it did; gains and offsets are then learned in training.
/// </summary>
/// <param name="kind">How.</param>
/// <param name="ranges">Finds the range of normalized values.</param>
public sealed class TimestepAwareNormalization(TimestepNormalization kind, IRangeEstimator ranges) : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "normalize queries and keys";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var index = new GraphIndex(state.Graph.Graph);
        ScaledInput[] inputs =
        [
            .. ScaledInput
                .Find(state)
                .Where(i =>
                    i.Point.Symmetry != Symmetry.ZeroBased
                    && i.Readers.All(r =>
                        r.Layer.Kind == LayerKind.MatrixProduct && LeadsToSoftmax(index, r.Layer.Node.Outputs[0])
                    )
                ),
        ];
        return inputs.Length == 0 ? state
            : kind == TimestepNormalization.Batch ? WithConstants(state, inputs, context)
            : WithTable(state, inputs, context);
    }

    private QuantizationState WithConstants(QuantizationState state, ScaledInput[] inputs, PassContext context)
    {
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        var normalized = new List<NormalizedValue>();
        foreach (var input in inputs)
        {
            var (mean, deviation) = Moments(state.Statistics!.Of(input.Point.Value).All);
            var scale = editor.Constant(OnnxTensor.Scalar($"{input.Value}_normalization_scale", 1f));
            var shift = editor.Constant(OnnxTensor.Scalar($"{input.Value}_normalization_shift", 0f));
            normalized.Add(new(scale, shift, mean, deviation, deviation, mean));
            var type = model.Graph.TypeOf(input.Value);
            var readers = input.Readers.Select(r => model.Graph.Nodes.Single(n => n.Name == r.Layer.Name)).ToArray();
            input.Replace(
                editor,
                value =>
                {
                    var factor = editor.Cast(scale, ElementType.Float, type, $"{scale}_cast");
                    var summand = editor.Cast(shift, ElementType.Float, type, $"{shift}_cast");
                    var scaled = ScalingNodes.Multiply(editor, value, factor, $"{value}_normalized", readers);
                    var sum = editor.Node("Add", $"{value}_normalized_shifted", [scaled, summand]);
                    return ScalingNodes.Tagged(editor, sum, readers);
                }
            );
        }

        model.Graph.SortTopologically();
        state = Replanning.Run(state, model, _ => new Dictionary<ActivationPoint, UniformQuantizer>(), ranges, context);
        return state with { Plan = state.Plan with { Normalized = normalized } };
    }

    private QuantizationState WithTable(QuantizationState state, ScaledInput[] inputs, PassContext context)
    {
        var timesteps = state.Statistics!.Timesteps.Distinct().ToArray();
        var factors = inputs
            .Where(i => TimestepScaling.CanScale(state, i))
            .ToDictionary(
                i => i,
                float[] (i) =>
                {
                    var seen = state.Statistics.Of(i.Point.Value);
                    var whole = Moments(seen.All).Deviation;
                    return [.. timesteps.Select(t => Moments(seen.ByTimestep[t]).Deviation / whole)];
                }
            );
        return factors.Count == 0 || timesteps.Length < 2
            ? state
            : TimestepScaling.Run(state, timesteps, factors, _ => null, ranges, context);
    }

    private static (float Mean, float Deviation) Moments(StreamingHistogram seen)
    {
        var (mean, variance) = seen.Moments;
        return ((float)mean, Math.Max((float)Math.Sqrt(variance), UniformQuantizer.LeastScale));
    }

    /// <summary>Whether a product holds an attention's scores: through scaling, masks and movement it enters a softmax.</summary>
    private static bool LeadsToSoftmax(GraphIndex index, string value) =>
        index
            .Consumers(value)
            .Any(n =>
                n.Is("Softmax")
                || (
                    (DataMovement.Is(n) || n.OpType is "Mul" or "Div" or "Add" or "Sub" or "Cast" or "Where" or "Clip")
                    && LeadsToSoftmax(index, n.Outputs[0])
                )
            );
}
