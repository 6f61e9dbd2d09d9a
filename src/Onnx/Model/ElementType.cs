namespace DiffusionQuant.Onnx;

/// <summary>ONNX element types; the numbers are those of <c>TensorProto.DataType</c>.</summary>
public enum ElementType
{
    /// <summary>No type given.</summary>
    Undefined = 0,

    /// <summary>IEEE binary32.</summary>
    Float = 1,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8 = 2,

    /// <summary>Signed 8-bit integer.</summary>
    Int8 = 3,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16 = 4,

    /// <summary>Signed 16-bit integer.</summary>
    Int16 = 5,

    /// <summary>Signed 32-bit integer.</summary>
    Int32 = 6,

    /// <summary>Signed 64-bit integer.</summary>
    Int64 = 7,

    /// <summary>UTF-8 string.</summary>
    String = 8,

    /// <summary>Boolean, one byte each.</summary>
    Bool = 9,

    /// <summary>IEEE binary16.</summary>
    Float16 = 10,

    /// <summary>IEEE binary64.</summary>
    Double = 11,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32 = 12,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64 = 13,

    /// <summary>Two binary32.</summary>
    Complex64 = 14,

    /// <summary>Two binary64.</summary>
    Complex128 = 15,

    /// <summary>The upper half of a binary32.</summary>
    BFloat16 = 16,

    /// <summary>8-bit float, 4 exponent bits, no infinities.</summary>
    Float8E4M3FN = 17,

    /// <summary>8-bit float, 4 exponent bits, no infinities, no negative zero.</summary>
    Float8E4M3FNUZ = 18,

    /// <summary>8-bit float, 5 exponent bits.</summary>
    Float8E5M2 = 19,

    /// <summary>8-bit float, 5 exponent bits, no infinities, no negative zero.</summary>
    Float8E5M2FNUZ = 20,

    /// <summary>Unsigned 4-bit integer, two to a byte, the first in the low half.</summary>
    UInt4 = 21,

    /// <summary>Signed 4-bit integer, two to a byte, the first in the low half.</summary>
    Int4 = 22,

    /// <summary>4-bit float, two to a byte.</summary>
    Float4E2M1 = 23,

    /// <summary>8-bit power of two.</summary>
    Float8E8M0 = 24,

    /// <summary>Unsigned 2-bit integer, four to a byte.</summary>
    UInt2 = 25,

    /// <summary>Signed 2-bit integer, four to a byte.</summary>
    Int2 = 26,
}

/// <summary>Facts about element types.</summary>
public static class ElementTypes
{
    /// <summary>Bits that one element takes in <c>raw_data</c>; 0 for strings and unknown types.</summary>
    public static int BitsOf(this ElementType type) =>
        type switch
        {
            ElementType.UInt2 or ElementType.Int2 => 2,
            ElementType.UInt4 or ElementType.Int4 or ElementType.Float4E2M1 => 4,
            ElementType.UInt8
            or ElementType.Int8
            or ElementType.Bool
            or ElementType.Float8E4M3FN
            or ElementType.Float8E4M3FNUZ
            or ElementType.Float8E5M2
            or ElementType.Float8E5M2FNUZ
            or ElementType.Float8E8M0 => 8,
            ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 16,
            ElementType.Float or ElementType.Int32 or ElementType.UInt32 => 32,
            ElementType.Double or ElementType.Int64 or ElementType.UInt64 or ElementType.Complex64 => 64,
            ElementType.Complex128 => 128,
            _ => 0,
        };

    /// <summary>Whether the type is one of the floats that networks compute in: float, float16, bfloat16 or double.</summary>
    public static bool IsFloatingPoint(this ElementType type) =>
        type is ElementType.Float or ElementType.Float16 or ElementType.BFloat16 or ElementType.Double;

    /// <summary>Whether the type is an integer of at most 64 bits, or boolean.</summary>
    public static bool IsInteger(this ElementType type) =>
        type
            is ElementType.Bool
                or ElementType.UInt2
                or ElementType.Int2
                or ElementType.UInt4
                or ElementType.Int4
                or ElementType.UInt8
                or ElementType.Int8
                or ElementType.UInt16
                or ElementType.Int16
                or ElementType.UInt32
                or ElementType.Int32
                or ElementType.UInt64
                or ElementType.Int64;

    /// <summary>Bytes that <paramref name="count"/> elements take when packed as in <c>raw_data</c>.</summary>
    public static long ByteSize(this ElementType type, long count) => checked(((count * type.BitsOf()) + 7) / 8);
}
