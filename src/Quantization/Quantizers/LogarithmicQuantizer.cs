using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// The quantizer of powers of two for values between 0 and 1: <c>q = clip(round(−log2 x), 0, 2^Bits − 1)</c> and
/// <c>x̂ = 2^−q</c>. Simulation and export both write it from here.
/// </summary>
public static class LogarithmicQuantizer
{
    /// <summary>Writes the nodes.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="value">The values, float32; zero gets the highest code, at 8 bits a number that is zero in float32.</param>
    /// <param name="bits">The code's width.</param>
    /// <param name="output">The name of the result; null for one that comes of the value's.</param>
    /// <returns>The name of the result.</returns>
    public static string Write(GraphEditor editor, string value, int bits, string? output = null)
    {
        var octaves = editor.Node(
            "Mul",
            $"{value}_octaves",
            [editor.Node("Log", $"{value}_log", [value]), Number(editor, -1 / MathF.Log(2))]
        );
        var codes = editor.Node(
            "Clip",
            $"{value}_log2_codes",
            [editor.Node("Round", $"{value}_rounded", [octaves]), Number(editor, 0), Number(editor, (1 << bits) - 1)]
        );
        var exponents = editor.Node("Mul", $"{value}_exponents", [codes, Number(editor, -MathF.Log(2))]);
        return editor.NodeTo(output ?? editor.Unique($"{value}_log2"), "Exp", [exponents]);
    }

    private static string Number(GraphEditor editor, float value) =>
        editor.Shared($"log2_{value:R}", n => OnnxTensor.Scalar(n, value));
}
