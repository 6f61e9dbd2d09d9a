using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>
/// Writes the nodes that turn packed codes into the values kernels want. They use only BitShift, Concat, Slice, Cast, Mul,
/// Add, Sub, Reshape and Gather on constants, which ONNX Runtime evaluates once when the model loads; a DequantizeLinear is
/// not among them, because that is never folded.
/// </summary>
internal sealed class WeightDecoder(GraphEditor editor)
{
    private readonly PackedCodes packedCodes = new(editor);
    private readonly List<(string Name, QuantizedWeight Weight, bool Floats, string Result)> made = [];

    /// <summary>The weight as int8 with zero point 0: <c>q − z</c>.</summary>
    /// <param name="name">The original weight's name; layers that share a weight and its codes share the result.</param>
    /// <param name="weight">The codes.</param>
    public string Int8(string name, QuantizedWeight weight) =>
        Shared(
            name,
            weight,
            false,
            () =>
                weight.Bits == 8
                    ? editor.Constant(OnnxTensor.Of($"{name}_int8", weight.ToInt8(), [.. weight.Dims]))
                    : editor.Cast(Centred(name, weight), ElementType.Int32, ElementType.Int8, $"{name}_int8")
        );

    /// <summary>The weight as floats of the original's type, <c>s · (q − z)</c>.</summary>
    public string Floats(OnnxTensor original, QuantizedWeight weight) =>
        Shared(original.Name, weight, true, () => MakeFloats(original, weight));

    /// <summary>What was made of the same codes before: two layers may give one weight different codes.</summary>
    private string Shared(string name, QuantizedWeight weight, bool floats, Func<string> make)
    {
        foreach (var known in made.Where(m => m.Name == name && m.Floats == floats))
        {
            if (
                known.Weight == weight
                || (
                    known.Weight.Axis == weight.Axis
                    && known.Weight.Quantizers.SequenceEqual(weight.Quantizers)
                    && known.Weight.Codes.Span.SequenceEqual(weight.Codes.Span)
                )
            )
            {
                return known.Result;
            }
        }

        var result = make();
        made.Add((name, weight, floats, result));
        return result;
    }

    private string MakeFloats(OnnxTensor original, QuantizedWeight weight)
    {
        var name = original.Name;
        var centred =
            weight.Bits == 8
                ? (editor.Constant(OnnxTensor.Of($"{name}_int8", weight.ToInt8(), [.. weight.Dims])), ElementType.Int8)
                : (Centred(name, weight), ElementType.Int32);
        var floats = editor.Cast(centred.Item1, centred.Item2, ElementType.Float, $"{name}_values");
        var scales = editor.Constant(OnnxTensor.Of($"{name}_scales", weight.Scales.AsSpan(), weight.ChannelDims));

        // float16 has no Mul on the CPU, where folding runs: scale in float32, convert last.
        var scaled = editor.Node("Mul", $"{name}_decoded", [floats, scales]);
        return editor.Cast(scaled, ElementType.Float, original.ElementType, $"{name}_decoded_{original.ElementType}");
    }

    /// <summary>The weight as int32: <c>q − z</c>, decoded from packed planes.</summary>
    private string Centred(string name, QuantizedWeight weight)
    {
        var codes = packedCodes.Write(name, weight);
        var zeroPoints = weight.Quantizers.Select(q => (byte)q.ZeroPoint).ToArray();
        var packed = editor.Constant(OnnxTensor.Of($"{name}_zero_points", zeroPoints.AsSpan(), weight.ChannelDims));
        return editor.Node(
            "Sub",
            $"{name}_centred",
            [codes, editor.Cast(packed, ElementType.UInt8, ElementType.Int32, $"{name}_zero_points_int32")]
        );
    }
}
