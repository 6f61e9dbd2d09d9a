using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes tensors of the element type that an input declares.</summary>
public static class InputValues
{
    /// <summary>A constant's elements, converted where the input's type differs.</summary>
    public static OrtValue Of(OnnxTensor tensor, ElementType type) =>
        tensor.ElementType == type ? Tensors.FromTensor(tensor)
        : type.IsFloatingPoint() ? Tensors.FromFloats(tensor.ToFloats().Span, tensor.Dims, type)
        : OfIntegers(tensor.ToInt64s(), tensor.Dims, type);

    /// <summary>Whole numbers (timesteps, labels) of an input's type.</summary>
    public static OrtValue OfIntegers(long[] values, ReadOnlySpan<long> dims, ElementType type) =>
        type switch
        {
            ElementType.Int64 => Tensors.Of(values, dims),
            ElementType.Int32 => Tensors.Of(Array.ConvertAll(values, v => (int)v), dims),
            ElementType.Int16 => Tensors.Of(Array.ConvertAll(values, v => (short)v), dims),
            ElementType.Int8 => Tensors.Of(Array.ConvertAll(values, v => (sbyte)v), dims),
            ElementType.UInt64 => Tensors.Of(Array.ConvertAll(values, v => (ulong)v), dims),
            ElementType.UInt32 => Tensors.Of(Array.ConvertAll(values, v => (uint)v), dims),
            ElementType.UInt16 => Tensors.Of(Array.ConvertAll(values, v => (ushort)v), dims),
            ElementType.UInt8 => Tensors.Of(Array.ConvertAll(values, v => (byte)v), dims),
            ElementType.Bool => Tensors.Of(Array.ConvertAll(values, v => v != 0), dims),
            _ => Tensors.FromFloats(Array.ConvertAll(values, v => (float)v), dims, type),
        };

    /// <summary>The sizes of an input that takes one number, or one for each sample: [], [N] or [N,1].</summary>
    public static long[] ColumnDims(TensorShape? shape, int count)
    {
        if (shape is null)
        {
            return [count];
        }

        var dims = new long[shape.Rank];
        Array.Fill(dims, 1);
        if (dims.Length > 0)
        {
            dims[0] = shape[0].Value == 1 ? 1 : count;
        }

        return dims;
    }
}
