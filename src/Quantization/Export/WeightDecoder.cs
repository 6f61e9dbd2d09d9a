using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>
/// Writes the nodes that turn packed codes into the values kernels want. They use only BitShift, Concat, Slice, Cast, Mul,
/// Add, Sub and Reshape on constants, which ONNX Runtime evaluates once when the model loads; a DequantizeLinear is not
/// among them, because that is never folded.
/// </summary>
internal sealed class WeightDecoder(GraphEditor editor)
{
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
        var scales = editor.Constant(OnnxTensor.Of($"{name}_scales", weight.Scales.AsSpan(), PerChannel(weight)));

        // float16 has no Mul on the CPU, where folding runs: scale in float32, convert last.
        var scaled = editor.Node("Mul", $"{name}_decoded", [floats, scales]);
        return editor.Cast(scaled, ElementType.Float, original.ElementType, $"{name}_decoded_{original.ElementType}");
    }

    /// <summary>The shape that lets one number per channel broadcast over the weight.</summary>
    private static long[] PerChannel(QuantizedWeight weight)
    {
        var dims = new long[weight.Dims.Count];
        Array.Fill(dims, 1);
        dims[weight.Axis] = weight.Dims[weight.Axis];
        return dims;
    }

    /// <summary>The weight as int32: <c>q − z</c>, decoded from packed planes.</summary>
    private string Centred(string name, QuantizedWeight weight)
    {
        string? codes = null;
        foreach (var plane in BitPacking.Pack(weight.Codes.Span, weight.Bits))
        {
            var part = Unpack(name, plane, weight.Codes.Length);
            if (plane.Shift > 0)
            {
                var factor = editor.Shared($"int32_{1 << plane.Shift}", n => OnnxTensor.Of(n, [1 << plane.Shift]));
                part = editor.Node("Mul", $"{name}_shifted", [part, factor]);
            }

            codes = codes is null ? part : editor.Node("Add", $"{name}_codes", [codes, part]);
        }

        var shape = editor.Shared(
            $"shape_{string.Join('x', weight.Dims)}",
            n => OnnxTensor.Of(n, weight.Dims.ToArray().AsSpan(), weight.Dims.Count)
        );
        var shaped = editor.Node("Reshape", $"{name}_shaped", [codes!, shape]);
        var zeroPoints = weight.Quantizers.Select(q => (byte)q.ZeroPoint).ToArray();
        var packed = editor.Constant(OnnxTensor.Of($"{name}_zero_points", zeroPoints.AsSpan(), PerChannel(weight)));
        return editor.Node(
            "Sub",
            $"{name}_centred",
            [shaped, editor.Cast(packed, ElementType.UInt8, ElementType.Int32, $"{name}_zero_points_int32")]
        );
    }

    /// <summary>The plane's codes as an int32 vector.</summary>
    private string Unpack(string name, BitPacking.Plane plane, int count)
    {
        var packed = editor.Constant(
            OnnxTensor.Of($"{name}_packed{plane.Width}", plane.Bytes.AsSpan(), plane.Bytes.Length)
        );
        var fields = new string[plane.FieldsPerByte];
        for (var i = 0; i < fields.Length; i++)
        {
            var raised = Shift(name, packed, "LEFT", 8 - plane.Width - (i * plane.Width));
            fields[i] = Shift(name, raised, "RIGHT", 8 - plane.Width);
        }

        var codes = editor.Node("Concat", $"{name}_fields", fields, ("axis", 0L));
        if (count < plane.Bytes.Length * fields.Length)
        {
            var start = editor.Shared("int64_0", n => OnnxTensor.Of(n, [0L], 1));
            var end = editor.Shared($"int64_{count}", n => OnnxTensor.Of(n, [(long)count], 1));
            codes = editor.Node("Slice", $"{name}_exact", [codes, start, end]);
        }

        return editor.Cast(codes, ElementType.UInt8, ElementType.Int32, $"{name}_int32");
    }

    private string Shift(string name, string value, string direction, int bits)
    {
        if (bits == 0)
        {
            return value;
        }

        var by = editor.Shared($"uint8_{bits}", n => OnnxTensor.Of(n, [(byte)bits]));
        return editor.Node("BitShift", $"{name}_field", [value, by], ("direction", direction));
    }
}
