using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>
/// Writes the quantization of activations: one QuantizeLinear per point, data movement repeated on the codes (a quarter of
/// the bytes), and a DequantizeLinear for each reader.
/// </summary>
internal sealed class ActivationExporter(GraphEditor editor, GraphIndex original, QuantizationPlan plan)
{
    private readonly Dictionary<(string Value, ActivationPoint Point, bool Signed), string> codes = [];

    /// <summary>The element type that a value has in the float graph.</summary>
    public ElementType TypeOf(string value) =>
        original.Graph.Find(value) is { ElementType: not ElementType.Undefined } info
            ? info.ElementType
            : ElementType.Float;

    /// <summary>The name of the codes of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="point">Its point.</param>
    /// <param name="signed">Whether the codes are to be int8, half of their number less each, instead of uint8.</param>
    public string Codes(string value, ActivationPoint point, bool signed = false)
    {
        if (codes.TryGetValue((value, point, signed), out var known))
        {
            return known;
        }

        var result =
            value != point.Value && original.Producer(value) is { } mover && DataMovement.Is(mover)
                ? Move(mover, Codes(mover.Inputs[0], point, signed))
                : Quantize(value, point, signed);
        return codes[(value, point, signed)] = result;
    }

    /// <summary>A new DequantizeLinear on a value's codes, for one reader.</summary>
    /// <param name="value">The value.</param>
    /// <param name="point">Its point.</param>
    /// <param name="signed">
    /// Whether the codes are to be int8. ONNX Runtime multiplies uint8 by int8 four times as fast as uint8 by uint8, which
    /// matters for the right matrix of a product; everywhere else it wants uint8.
    /// </param>
    public string Dequantized(string value, ActivationPoint point, bool signed = false) =>
        editor.Node(
            "DequantizeLinear",
            $"{value}_dequantized",
            [Codes(value, point, signed), .. Parameters(point, signed)]
        );

    /// <summary>A value rounded to its point's codes, as floats.</summary>
    public string Floats(string value, ActivationPoint point)
    {
        if (!plan.Logarithmic.Contains(point))
        {
            return Dequantized(value, point);
        }

        var source = editor.Cast(value, TypeOf(value), ElementType.Float, $"{value}_float");
        return LogarithmicQuantizer.Write(editor, source, point.Bits);
    }

    /// <summary>
    /// Whether a point's value comes straight out of a product in integers. ONNX Runtime runs that product in integers only
    /// when the codes behind it have the type of those in front of it, which is uint8.
    /// </summary>
    public bool IsWrittenByProduct(ActivationPoint point) =>
        TypeOf(point.Value) == ElementType.Float
        && original.Producer(point.Value) is { OpType: "Gemm" or "MatMul" } product
        && plan.Find(product.Name)?.Mode == LayerMode.Integer;

    /// <summary>
    /// Puts a point behind a layer: the kernel's output becomes codes, and all float readers read these dequantized.
    /// </summary>
    /// <param name="value">The layer's output.</param>
    /// <param name="point">Its point.</param>
    /// <returns>The name under which the layer must write its output now.</returns>
    public string BehindLayer(string value, ActivationPoint point)
    {
        var raw = editor.Unique($"{value}_raw");
        var quantized = editor.Node("QuantizeLinear", $"{value}_codes", [raw, .. Parameters(point)]);
        codes[(value, point, false)] = quantized;
        var type = TypeOf(value);
        if (type == ElementType.Float)
        {
            editor.NodeTo(value, "DequantizeLinear", [quantized, .. Parameters(point)]);
        }
        else
        {
            var floats = editor.Node("DequantizeLinear", $"{value}_float", [quantized, .. Parameters(point)]);
            editor.NodeTo(value, "Cast", [floats], ("to", (long)type));
        }

        return raw;
    }

    /// <summary>The names of a point's scale and zero point.</summary>
    public string[] Parameters(ActivationPoint point, bool signed = false)
    {
        var quantizer = plan.Activations[point];
        return
        [
            editor.Shared($"{point}_scale", n => OnnxTensor.Scalar(n, quantizer.Scale)),
            editor.Shared(
                signed ? $"{point}_zero_point_int8" : $"{point}_zero_point",
                n => Code(n, quantizer.ZeroPoint, Offset(point, signed), signed)
            ),
        ];
    }

    private string Quantize(string value, ActivationPoint point, bool signed)
    {
        var floats = editor.Cast(value, TypeOf(value), ElementType.Float, $"{value}_float");
        var name = signed ? $"{value}_codes_int8" : $"{value}_codes";
        var quantized = editor.Node("QuantizeLinear", name, [floats, .. Parameters(point, signed)]);
        if (point.Bits == 8)
        {
            return quantized;
        }

        // Codes under 8 bits live in 8 bits as well; QuantizeLinear only saturates at the highest code of these.
        var highest = plan.Activations[point].MaxCode;
        var type = signed ? $"int8_{point.Bits}" : "uint8";
        var offset = Offset(point, signed);
        var least = editor.Shared($"{type}_code_0", n => Code(n, 0, offset, signed));
        var most = editor.Shared($"{type}_code_{highest}", n => Code(n, highest, offset, signed));
        return editor.Node("Clip", $"{name}{point.Bits}", [quantized, least, most]);
    }

    /// <summary>What is taken from a code to make it an int8 around zero: the smaller the numbers, the further are sums of
    /// their products from saturating where a processor adds them in 16 bits.</summary>
    private static int Offset(ActivationPoint point, bool signed) => signed ? 1 << (point.Bits - 1) : 0;

    private static OnnxTensor Code(string name, int code, int offset, bool signed) =>
        signed ? OnnxTensor.Of(name, [(sbyte)(code - offset)]) : OnnxTensor.Of(name, [(byte)code]);

    private string Move(OnnxNode mover, string source)
    {
        var output = editor.Unique($"{mover.Outputs[0]}_codes");
        var copy = new OnnxNode(mover.OpType, [source, .. mover.Inputs.Skip(1)], [output], output);
        foreach (var (name, attribute) in mover.Attributes)
        {
            copy.Attributes[name] = attribute;
        }

        editor.Graph.Nodes.Add(copy);
        return output;
    }
}
