using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Normalized values in a training graph: μ and σ are those of the batch, with gradients through them, and γ and β are
/// parameters. What each step saw goes into running averages, which are what is deployed.
/// </summary>
internal static class BatchNormalization
{
    /// <summary>The share of a new step in the running averages (PyTorch's batch normalization has the same).</summary>
    private const float Momentum = 0.1f;

    private const float LeastVariance = 1e-10f;

    /// <summary>Lets a graph compute its constants from batches.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="values">What is normalized.</param>
    /// <param name="gains">γ of each, as a share of its first value; float scalars.</param>
    /// <param name="offsets">β of each, as a share of σ's first value.</param>
    /// <returns>The value that holds μ and σ of each, [2·values]; null where there are none.</returns>
    public static string? Compute(
        GraphEditor editor,
        IReadOnlyList<NormalizedValue> values,
        IReadOnlyList<string> gains,
        IReadOnlyList<string> offsets
    )
    {
        var seen = new List<string>();
        var one = editor.Integers(1);
        foreach (var (i, value) in values.Index())
        {
            var index = new GraphIndex(editor.Graph);
            var multiplication = index.Consumers(value.ScaleConstant).Select(n => Uncast(index, n)).Single();
            var type = editor.Graph.TypeOf(multiplication.Inputs[0]);
            var x = editor.Cast(multiplication.Inputs[0], type, ElementType.Float, $"{value.ScaleConstant}_x");
            var mean = Mean(x, "mean");
            var centred = editor.Node("Sub", $"{value.ScaleConstant}_centred", [x, mean]);
            var variance = Mean(editor.Node("Mul", $"{value.ScaleConstant}_squared", [centred, centred]), "variance");
            var raised = editor.Node("Add", $"{value.ScaleConstant}_raised", [variance, Number(LeastVariance)]);
            var deviation = editor.Node("Sqrt", $"{value.ScaleConstant}_deviation", [raised]);
            var gain = editor.Node("Mul", $"{value.ScaleConstant}_gain", [gains[i], Number(value.Gain)]);
            var offset = editor.Node(
                "Add",
                $"{value.ShiftConstant}_offset",
                [
                    editor.Node("Mul", $"{value.ShiftConstant}_moved", [offsets[i], Number(value.Deviation)]),
                    Number(value.Offset),
                ]
            );
            editor.Graph.Initializers.Remove(value.ScaleConstant);
            editor.Graph.Initializers.Remove(value.ShiftConstant);
            editor.NodeTo(value.ScaleConstant, "Div", [gain, deviation]);
            var shifted = editor.Node("Mul", $"{value.ShiftConstant}_mean", [mean, value.ScaleConstant]);
            editor.NodeTo(value.ShiftConstant, "Sub", [offset, shifted]);
            seen.Add(editor.Node("Reshape", $"{mean}_entry", [mean, one]));
            seen.Add(editor.Node("Reshape", $"{deviation}_entry", [deviation, one]));

            string Mean(string of, string what) =>
                editor.Node("ReduceMean", $"{value.ScaleConstant}_{what}", [of], ("keepdims", 0L));

            string Number(float number) => editor.Shared($"float_{number:R}", n => OnnxTensor.Scalar(n, number));
        }

        return seen.Count == 0 ? null : editor.Node("Concat", "batch_statistics", [.. seen], ("axis", 0L));
    }

    /// <summary>Running averages, behind one more step.</summary>
    /// <param name="running">μ and σ of each value.</param>
    /// <param name="seen">The same of the step's batch.</param>
    public static void Follow(Span<float> running, ReadOnlySpan<float> seen)
    {
        for (var i = 0; i < running.Length; i++)
        {
            running[i] += Momentum * (seen[i] - running[i]);
        }
    }

    /// <summary>Writes a plan's normalizations into the constants of its graph.</summary>
    public static void Update(OnnxGraph graph, QuantizationPlan plan)
    {
        foreach (var value in plan.Normalized)
        {
            graph.Initializers[value.ScaleConstant] = OnnxTensor.Scalar(value.ScaleConstant, value.Scale);
            graph.Initializers[value.ShiftConstant] = OnnxTensor.Scalar(value.ShiftConstant, value.Shift);
        }
    }

    /// <summary>The multiplication behind a constant, through the conversion of half-precision graphs.</summary>
    private static OnnxNode Uncast(GraphIndex index, OnnxNode node) =>
        node.Is("Cast") ? index.Consumers(node.Outputs[0]).Single() : node;
}
