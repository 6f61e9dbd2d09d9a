using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Writes the term of <see cref="RelationDistillation"/>.</summary>
/// <param name="editor">The graph.</param>
/// <param name="settings">Weight and bounds.</param>
/// <param name="dims">The sizes of the features, samples first.</param>
/// <param name="channelAxis">Their channels' axis: 1, or the last.</param>
internal sealed class RelationLoss(GraphEditor editor, RelationDistillation settings, long[] dims, int channelAxis)
{
    /// <summary>The input that takes the sum of the float network's features over the window.</summary>
    public const string TeacherName = "teacher_features";

    /// <summary>The input that takes the sum of the quantized network's features of the steps before this one.</summary>
    public const string OlderName = "older_features";

    // Keeps places without any feature from being divided by nothing.
    private const float LeastLength = 1e-6f;

    /// <summary>Adds the inputs and the term.</summary>
    /// <param name="features">The quantized network's features of this step, float32.</param>
    /// <returns>The term, a scalar: the mean over samples of Σ KL, times its weight.</returns>
    public string Write(string features)
    {
        var shape = TensorShape.Of(dims);
        editor.Graph.Inputs.Add(new(TeacherName, ElementType.Float, shape));
        editor.Graph.Inputs.Add(new(OlderName, ElementType.Float, shape));
        // A cosine does not see that sums are not divided by the number of steps.
        var quantized = Relations(editor.Node("Add", "smoothed_features", [features, OlderName]), "quantized");
        var exact = Relations(TeacherName, "exact");
        var probabilities = editor.Node("Softmax", "exact_relation", [exact], ("axis", -1L));
        var difference = editor.Node(
            "Sub",
            "relation_difference",
            [
                editor.Node("LogSoftmax", "exact_log_relation", [exact], ("axis", -1L)),
                editor.Node("LogSoftmax", "quantized_log_relation", [quantized], ("axis", -1L)),
            ]
        );
        var divergence = editor.Node("Mul", "relation_divergence", [probabilities, difference]);
        // In two steps: ONNX Runtime adds up millions of numbers one by one, and loses digits.
        var rows = editor.Node("ReduceSum", "relation_rows", [divergence, editor.Integers(-1)], ("keepdims", 0L));
        var sum = editor.Node("ReduceSum", "relation_sum", [rows], ("keepdims", 0L));
        return editor.Node("Mul", "relation_loss", [sum, Number(settings.Weight / dims[0])]);
    }

    /// <summary>R: the cosines of all places' features with each other, [samples, places, places].</summary>
    private string Relations(string features, string name)
    {
        var rank = dims.Length;
        var value = features;
        long[] spatial = channelAxis == 1 ? dims[2..] : dims[1..^1];
        if (channelAxis != 1)
        {
            long[] order = [0, rank - 1, .. Enumerable.Range(1, rank - 2).Select(i => (long)i)];
            value = editor.Node("Transpose", $"{name}_channels_first", [value], ("perm", order));
        }

        var side = PoolSide(spatial, settings.MostTokens);
        if (side > 1)
        {
            long[] window = [.. spatial.Select(s => Math.Min(side, s))];
            value = editor.Node(
                "AveragePool",
                $"{name}_pooled",
                [value],
                ("kernel_shape", window),
                ("strides", window)
            );
        }

        value = editor.Node("Reshape", $"{name}_places", [value, editor.Integers(dims[0], dims[channelAxis], -1)]);
        var squares = editor.Node("Mul", $"{name}_squares", [value, value]);
        var sums = editor.Node("ReduceSum", $"{name}_square_sums", [squares, editor.Integers(1)]);
        var lengths = editor.Node(
            "Sqrt",
            $"{name}_lengths",
            [editor.Node("Add", $"{name}_square_sums_positive", [sums, Number(LeastLength * LeastLength)])]
        );
        var unit = editor.Node("Div", $"{name}_directions", [value, lengths]);
        var transposed = editor.Node("Transpose", $"{name}_directions_transposed", [unit], ("perm", (long[])[0, 2, 1]));
        return editor.Node("MatMul", $"{name}_cosines", [transposed, unit]);
    }

    /// <summary>The side of the squares whose means are few enough.</summary>
    internal static long PoolSide(long[] spatial, int most)
    {
        var side = 1L;
        while (spatial.Aggregate(1L, (a, s) => a * Math.Max(s / Math.Min(side, s), 1)) > most)
        {
            side++;
        }

        return side;
    }

    private string Number(float value) => editor.Shared($"relation_{value:R}", n => OnnxTensor.Scalar(n, value));
}
