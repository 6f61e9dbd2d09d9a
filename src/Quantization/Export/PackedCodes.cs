using System.Runtime.InteropServices;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>Writes a weight's codes as packed planes, and the nodes that make int32 of them.</summary>
internal sealed class PackedCodes(GraphEditor editor)
{
    /// <summary>The codes as int32. Channels of one width are packed together, and put back in order behind that.</summary>
    /// <param name="name">The original weight's name.</param>
    /// <param name="weight">Codes of one or of several widths.</param>
    public string Write(string name, QuantizedWeight weight)
    {
        var widths = weight.Widths;
        if (widths is [var (bits, _)])
        {
            return Codes(name, weight, bits, Fields);
        }

        var parts = widths.Select(w =>
            Codes($"{name}_{w.Bits}bit", weight.Part(w.Channels), w.Bits, FieldsByBroadcast)
        );
        var joined = editor.Node("Concat", $"{name}_by_width", [.. parts], ("axis", (long)weight.Axis));
        var places = Places(name, [.. widths.SelectMany(w => w.Channels)]);
        return editor.Node("Gather", $"{name}_in_order", [joined, places], ("axis", (long)weight.Axis));
    }

    /// <summary>Where each channel stands among the joined ones, as int32.</summary>
    private string Places(string name, int[] joined)
    {
        var places = new int[joined.Length];
        for (var i = 0; i < places.Length; i++)
        {
            places[joined[i]] = i;
        }

        // Two bytes in the file are enough for all weights but the widest.
        var wanted = $"{name}_places";
        if (joined.Length > ushort.MaxValue)
        {
            return editor.Constant(OnnxTensor.Of(wanted, places.AsSpan(), places.Length));
        }

        var bytes = MemoryMarshal.AsBytes(Array.ConvertAll(places, p => (ushort)p).AsSpan()).ToArray();
        var narrow = editor.Constant(new(wanted, ElementType.UInt16, [places.Length], bytes));
        return editor.Cast(narrow, ElementType.UInt16, ElementType.Int32, $"{wanted}_int32");
    }

    private string Codes(
        string name,
        QuantizedWeight weight,
        int bits,
        Func<string, string, BitPacking.Plane, string> fields
    )
    {
        string? codes = null;
        foreach (var plane in BitPacking.Pack(weight.Codes.Span, bits))
        {
            var part = Unpack(name, plane, weight.Codes.Length, fields);
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
        return editor.Node("Reshape", $"{name}_shaped", [codes!, shape]);
    }

    /// <summary>The plane's codes as an int32 vector.</summary>
    private string Unpack(
        string name,
        BitPacking.Plane plane,
        int count,
        Func<string, string, BitPacking.Plane, string> fields
    )
    {
        var packed = editor.Constant(
            OnnxTensor.Of($"{name}_packed{plane.Width}", plane.Bytes.AsSpan(), plane.Bytes.Length)
        );
        var codes = fields(name, packed, plane);
        if (count < plane.Bytes.Length * plane.FieldsPerByte)
        {
            var start = editor.Shared("int64_0", n => OnnxTensor.Of(n, [0L], 1));
            var end = editor.Shared($"int64_{count}", n => OnnxTensor.Of(n, [(long)count], 1));
            codes = editor.Node("Slice", $"{name}_exact", [codes, start, end]);
        }

        return editor.Cast(codes, ElementType.UInt8, ElementType.Int32, $"{name}_int32");
    }

    /// <summary>All fields of a plane, one vector behind the other.</summary>
    private string Fields(string name, string packed, BitPacking.Plane plane)
    {
        var fields = new string[plane.FieldsPerByte];
        for (var i = 0; i < fields.Length; i++)
        {
            var raised = Shift(name, packed, "LEFT", 8 - plane.Width - (i * plane.Width));
            fields[i] = Shift(name, raised, "RIGHT", 8 - plane.Width);
        }

        return editor.Node("Concat", $"{name}_fields", fields, ("axis", 0L));
    }

    /// <summary>
    /// The same in two shifts of a matrix of a row per field. A weight of several widths has several planes of each; in
    /// nodes of their own the shifts of its fields would take more bytes than a small layer's weights.
    /// </summary>
    private string FieldsByBroadcast(string name, string packed, BitPacking.Plane plane)
    {
        if (plane.FieldsPerByte == 1)
        {
            return packed;
        }

        byte[] shifts = [.. Enumerable.Range(1, plane.FieldsPerByte).Select(i => (byte)(8 - (i * plane.Width)))];
        var column = editor.Shared($"uint8_fields_of_{plane.Width}", n => OnnxTensor.Of(n, shifts, shifts.Length, 1));
        var raised = editor.Node("BitShift", $"{name}_field", [packed, column], ("direction", "LEFT"));
        return editor.Node(
            "Reshape",
            $"{name}_fields",
            [Shift(name, raised, "RIGHT", 8 - plane.Width), editor.Integers(-1)]
        );
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
