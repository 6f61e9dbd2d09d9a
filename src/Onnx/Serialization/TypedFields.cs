using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DiffusionQuant.Onnx.Protos;
using Google.Protobuf.Collections;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Turns the typed fields of a tensor (<c>float_data</c> …) into the bytes of <c>raw_data</c>.</summary>
internal static class TypedFields
{
    /// <summary>The packed bytes, or null when the number of elements is not <paramref name="count"/>.</summary>
    public static ReadOnlyMemory<byte>? ToRaw(TensorProto proto, ElementType type, long count) =>
        type switch
        {
            ElementType.Float => Bytes(proto.FloatData, count),
            ElementType.Complex64 => Bytes(proto.FloatData, 2 * count),
            ElementType.Double => Bytes(proto.DoubleData, count),
            ElementType.Complex128 => Bytes(proto.DoubleData, 2 * count),
            ElementType.Int64 => Bytes(proto.Int64Data, count),
            ElementType.UInt64 => Bytes(proto.Uint64Data, count),
            ElementType.UInt32 => Bytes(proto.Uint64Data, count, v => unchecked((uint)v)),
            ElementType.Int32 => Bytes(proto.Int32Data, count),
            _ => Narrow(proto, type, count),
        };

    /// <summary>Types of at most 16 bits: one element in each int32, but sub-byte types one packed byte in each.</summary>
    private static ReadOnlyMemory<byte>? Narrow(TensorProto proto, ElementType type, long count)
    {
        var bits = type.BitsOf();
        return bits == 16
            ? Bytes(proto.Int32Data, count, v => unchecked((ushort)v))
            : Bytes(proto.Int32Data, bits < 8 ? type.ByteSize(count) : count, v => unchecked((byte)v));
    }

    private static ReadOnlyMemory<byte>? Bytes<T>(RepeatedField<T> field, long count)
        where T : unmanaged => Bytes(field, count, v => v);

    private static ReadOnlyMemory<byte>? Bytes<T, TElement>(
        RepeatedField<T> field,
        long count,
        Func<T, TElement> convert
    )
        where TElement : unmanaged
    {
        if (field.Count != count)
        {
            return null;
        }

        var bytes = new byte[count * Unsafe.SizeOf<TElement>()];
        var elements = MemoryMarshal.Cast<byte, TElement>(bytes.AsSpan());
        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = convert(field[i]);
        }

        return bytes;
    }
}
