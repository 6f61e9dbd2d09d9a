using System.Runtime.InteropServices;

namespace DiffusionQuant.Onnx;

/// <summary>Conversions between element types and .NET's numbers.</summary>
internal static class TensorConversion
{
    public static ReadOnlyMemory<float> ToFloats(OnnxTensor tensor)
    {
        if (tensor.ElementType == ElementType.Float)
        {
            return new FloatView(tensor.Data).Memory;
        }

        var result = new float[tensor.ElementCount];
        switch (tensor.ElementType)
        {
            case ElementType.Float16:
                var halves = tensor.Span<Half>();
                for (var i = 0; i < result.Length; i++)
                {
                    result[i] = (float)halves[i];
                }

                break;
            case ElementType.BFloat16:
                var upper = tensor.Span<ushort>();
                for (var i = 0; i < result.Length; i++)
                {
                    result[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                }

                break;
            case ElementType.Double:
                var doubles = tensor.Span<double>();
                for (var i = 0; i < result.Length; i++)
                {
                    result[i] = (float)doubles[i];
                }

                break;
            default:
                var integers = ToInt64s(tensor);
                for (var i = 0; i < result.Length; i++)
                {
                    result[i] = integers[i];
                }

                break;
        }

        // A span alone would not keep a mapped file open.
        GC.KeepAlive(tensor);
        return result;
    }

    public static long[] ToInt64s(OnnxTensor tensor)
    {
        var result = new long[tensor.ElementCount];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = tensor.ElementType switch
            {
                ElementType.Int64 => tensor.Span<long>()[i],
                ElementType.Int32 => tensor.Span<int>()[i],
                ElementType.Int16 => tensor.Span<short>()[i],
                ElementType.Int8 => tensor.Span<sbyte>()[i],
                ElementType.UInt64 => checked((long)tensor.Span<ulong>()[i]),
                ElementType.UInt32 => tensor.Span<uint>()[i],
                ElementType.UInt16 => tensor.Span<ushort>()[i],
                ElementType.UInt8 or ElementType.Bool => tensor.Span<byte>()[i],
                ElementType.UInt4 => (tensor.Data.Span[i / 2] >> (4 * (i % 2))) & 0xF,
                ElementType.Int4 => ((sbyte)(tensor.Data.Span[i / 2] << (4 * (1 - (i % 2))))) >> 4,
                ElementType.UInt2 => (tensor.Data.Span[i / 4] >> (2 * (i % 4))) & 0x3,
                ElementType.Int2 => ((sbyte)(tensor.Data.Span[i / 4] << (2 * (3 - (i % 4))))) >> 6,
                _ => throw new InvalidOperationException($"{tensor} does not hold integers."),
            };
        }

        return result;
    }

    /// <summary>Bytes seen as float32, without a copy.</summary>
    private sealed class FloatView(ReadOnlyMemory<byte> bytes) : System.Buffers.MemoryManager<float>
    {
        private System.Buffers.MemoryHandle handle;

        public override Span<float> GetSpan()
        {
            var floats = MemoryMarshal.Cast<byte, float>(bytes.Span);
            return MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(floats), floats.Length);
        }

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0)
        {
            handle = bytes[(elementIndex * sizeof(float))..].Pin();
            return handle;
        }

        public override void Unpin() => handle.Dispose();

        protected override void Dispose(bool disposing) { }
    }
}
