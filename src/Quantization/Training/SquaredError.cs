using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Training;

/// <summary>The loss that networks are trained on.</summary>
internal static class SquaredError
{
    /// <summary>Writes share·Σ(output − target)².</summary>
    /// <returns>The value's name.</returns>
    public static string Write(GraphEditor editor, string output, string target, float share)
    {
        var error = editor.Node("Sub", "output_error", [output, target]);
        var squares = editor.Node("Mul", "output_squares", [error, error]);
        var sum = editor.Node("ReduceSum", "output_sum", [squares], ("keepdims", 0L));
        var factor = editor.Constant(OnnxTensor.Scalar("loss_share", share));
        return editor.Node("Mul", "output_loss", [sum, factor]);
    }
}
