using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine;

/// <summary>Conversions of whole spans between float32 and the other floats.</summary>
internal static class FloatConversion
{
    /// <summary>Writes floats as elements of a type.</summary>
    public static void FromFloats(ReadOnlySpan<float> source, ElementType type, Span<byte> target)
    {
        switch (type)
        {
            case ElementType.Float:
                MemoryMarshal.AsBytes(source).CopyTo(target);
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(target));
                break;
            case ElementType.BFloat16:
                ToBFloat16(source, MemoryMarshal.Cast<byte, ushort>(target));
                break;
            case ElementType.Double:
                TensorPrimitives.ConvertTruncating(source, MemoryMarshal.Cast<byte, double>(target));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    /// <summary>Reads elements of a type as floats.</summary>
    public static void ToFloats(ReadOnlySpan<byte> source, ElementType type, Span<float> target)
    {
        switch (type)
        {
            case ElementType.Float:
                source.CopyTo(MemoryMarshal.AsBytes(target));
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), target);
                break;
            case ElementType.BFloat16:
                var upper = MemoryMarshal.Cast<byte, ushort>(source);
                for (var i = 0; i < target.Length; i++)
                {
                    target[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                }

                break;
            case ElementType.Double:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(source), target);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    private static void ToBFloat16(ReadOnlySpan<float> source, Span<ushort> target)
    {
        for (var i = 0; i < source.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(source[i]);

            // Half of the last kept bit, less one where that bit is even: ties go to even. Rounding must not turn a
            // not-a-number into an infinity, so its payload keeps a bit instead.
            target[i] = float.IsNaN(source[i])
                ? (ushort)((bits >> 16) | 0x40)
                : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
