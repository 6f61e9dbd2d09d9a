using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// Adds outputs to a graph that tell what rounding a softmax costs: the squared error that each kind of codes leaves in
/// the product behind it.
/// </summary>
internal static class SoftmaxErrors
{
    /// <summary>Adds the outputs for one softmax.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="input">The softmax and the products that read it.</param>
    /// <param name="uniform">The quantizer that is compared with powers of two.</param>
    /// <returns>The outputs with the error of uniform codes and of powers of two, one number each.</returns>
    public static (string Uniform, string Logarithmic) Add(
        GraphEditor editor,
        ScaledInput input,
        UniformQuantizer uniform
    )
    {
        var value = editor.Cast(
            input.Value,
            editor.Graph.TypeOf(input.Value),
            ElementType.Float,
            $"{input.Value}_compared"
        );
        var scale = editor.Constant(OnnxTensor.Scalar($"{input.Value}_compared_scale", uniform.Scale));
        var rounded = QuantizerOperators.AddFakeQuantize(editor, value, scale, uniform.ZeroPoint, uniform.MaxCode);
        var powers = LogarithmicQuantizer.Write(editor, value, input.Point.Bits);
        return (Error(editor, input, value, rounded), Error(editor, input, value, powers));
    }

    private static string Error(GraphEditor editor, ScaledInput input, string exact, string rounded)
    {
        var difference = editor.Node("Sub", $"{rounded}_error", [exact, rounded]);
        string? total = null;
        foreach (var reader in input.Readers)
        {
            var node = reader.Layer.Node;
            var other = node.Inputs[1 - reader.Input];
            var floats = editor.Cast(other, editor.Graph.TypeOf(other), ElementType.Float, $"{other}_compared");
            string[] factors = reader.Input == 0 ? [difference, floats] : [floats, difference];
            var product = editor.Node("MatMul", $"{rounded}_product_error", factors);
            var square = editor.Node("ReduceSumSquare", $"{rounded}_square", [product], ("keepdims", 0L));
            total = total is null ? square : editor.Node("Add", $"{rounded}_squares", [total, square]);
        }

        editor.Graph.Outputs.Add(new(total!, ElementType.Float, null));
        return total!;
    }
}
