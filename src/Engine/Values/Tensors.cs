using System.Numerics;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DiffusionQuant.Engine;

/// <summary>Makes and reads ONNX Runtime's tensors.</summary>
public static class Tensors
{
    /// <summary>A tensor over an array, without a copy: it sees later changes of the array until it is disposed.</summary>
    /// <typeparam name="T">A number type of .NET, <see cref="bool"/>, <see cref="Half"/>, <see cref="Float16"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="data">The elements, in row-major order.</param>
    /// <param name="dims">The sizes; none for a scalar.</param>
    /// <exception cref="ArgumentException">The number of elements does not fit the sizes.</exception>
    public static OrtValue Of<T>(T[] data, params ReadOnlySpan<long> dims)
        where T : unmanaged => Of(data.AsMemory(), dims);

    /// <summary>A tensor over memory, without a copy: it sees later changes of the memory until it is disposed.</summary>
    /// <typeparam name="T">A number type of .NET, <see cref="bool"/>, <see cref="Half"/>, <see cref="Float16"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="data">The elements, in row-major order.</param>
    /// <param name="dims">The sizes; none for a scalar.</param>
    /// <exception cref="ArgumentException">The number of elements does not fit the sizes.</exception>
    public static OrtValue Of<T>(Memory<T> data, params ReadOnlySpan<long> dims)
        where T : unmanaged
    {
        var count = Count(dims);
        if (count != data.Length)
        {
            throw new ArgumentException(
                $"The shape {TensorShape.Of(dims)} has {count} elements, not {data.Length}.",
                nameof(data)
            );
        }

        _ = Runtime.Environment;
        return typeof(T) == typeof(Half) ? Create(new MemoryCast<T, Float16>(data).Memory, dims) : Create(data, dims);
    }

    /// <summary>A new tensor with converted elements (rounded to the nearest, ties to even).</summary>
    /// <param name="data">The elements, in row-major order.</param>
    /// <param name="dims">The sizes; none for a scalar.</param>
    /// <param name="type">Float, Float16, BFloat16 or Double.</param>
    /// <exception cref="ArgumentException">The number of elements does not fit the sizes, or the type is no float.</exception>
    public static OrtValue FromFloats(
        ReadOnlySpan<float> data,
        ReadOnlySpan<long> dims,
        ElementType type = ElementType.Float
    )
    {
        var count = Count(dims);
        if (count != data.Length)
        {
            throw new ArgumentException(
                $"The shape {TensorShape.Of(dims)} has {count} elements, not {data.Length}.",
                nameof(data)
            );
        }

        if (!type.IsFloatingPoint())
        {
            throw new ArgumentException($"{type} is not one of Float, Float16, BFloat16 and Double.", nameof(type));
        }

        var value = Allocate(type, dims);
        FloatConversion.FromFloats(data, type, value.GetTensorMutableRawData());
        return value;
    }

    /// <summary>A copy of a tensor's elements as float32, from whichever device.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4019: the elements are no numbers, or take more than 2 GB.</exception>
    public static float[] ToFloats(OrtValue value)
    {
        using var copy = ToMainMemory(value);
        var source = copy ?? value;
        var type = TypeOf(source);
        if (type.IsFloatingPoint())
        {
            var bytes = Bytes(source);
            var result = new float[bytes.Length / (type.BitsOf() / 8)];
            FloatConversion.ToFloats(bytes, type, result);
            return result;
        }

        if (type is ElementType.String or ElementType.Complex64 or ElementType.Complex128)
        {
            throw EngineErrors.UnsupportedTensor($"{type}{TensorShape.Of(Dims(source))} as float32");
        }

        return ToTensor("", source).ToFloats().ToArray();
    }

    /// <summary>The elements of a float32 tensor in main memory, without a copy; valid until it is disposed.</summary>
    /// <exception cref="InvalidOperationException">The elements are not float32, or not in main memory.</exception>
    public static ReadOnlySpan<float> Floats(OrtValue value) =>
        TypeOf(value) == ElementType.Float && IsInMainMemory(value)
            ? System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(Bytes(value))
            : throw new InvalidOperationException(
                $"{TypeOf(value)}{TensorShape.Of(Dims(value))} is not float32 in main memory: use ToFloats."
            );

    /// <summary>A tensor's sizes; empty for a scalar.</summary>
    public static long[] Dims(OrtValue value) => value.GetTensorTypeAndShape().Shape;

    /// <summary>A tensor's element type.</summary>
    public static ElementType TypeOf(OrtValue value) => (ElementType)value.GetTensorTypeAndShape().ElementDataType;

    /// <summary>A tensor over a constant's elements, without a copy. It keeps the constant's memory alive.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4019: the element type has no counterpart (4-bit and 8-bit floats, 2-bit and 4-bit integers).</exception>
    public static OrtValue FromTensor(OnnxTensor tensor)
    {
        _ = Runtime.Environment;
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsMemory(tensor.Data);
        return tensor.ElementType switch
        {
            ElementType.Float => FromBytes<float>(tensor, bytes),
            ElementType.Double => FromBytes<double>(tensor, bytes),
            ElementType.Float16 => FromBytes<Float16>(tensor, bytes),
            ElementType.BFloat16 => FromBytes<BFloat16>(tensor, bytes),
            ElementType.Int8 => FromBytes<sbyte>(tensor, bytes),
            ElementType.UInt8 => FromBytes<byte>(tensor, bytes),
            ElementType.Int16 => FromBytes<short>(tensor, bytes),
            ElementType.UInt16 => FromBytes<ushort>(tensor, bytes),
            ElementType.Int32 => FromBytes<int>(tensor, bytes),
            ElementType.UInt32 => FromBytes<uint>(tensor, bytes),
            ElementType.Int64 => FromBytes<long>(tensor, bytes),
            ElementType.UInt64 => FromBytes<ulong>(tensor, bytes),
            ElementType.Bool => FromBytes<bool>(tensor, bytes),
            ElementType.String => FromStrings(tensor),
            _ => throw EngineErrors.UnsupportedTensor(tensor.ToString()),
        };
    }

    /// <summary>A constant with a copy of a tensor's elements, from whichever device.</summary>
    /// <param name="name">The constant's name.</param>
    /// <param name="value">The tensor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4019: it is no tensor, or takes more than 2 GB.</exception>
    public static OnnxTensor ToTensor(string name, OrtValue value)
    {
        if (!value.IsTensor)
        {
            throw EngineErrors.UnsupportedTensor($"The value '{name}' ({value.OnnxType})");
        }

        using var copy = ToMainMemory(value);
        var source = copy ?? value;
        var type = TypeOf(source);
        if (type != ElementType.String)
        {
            return new(name, type, Dims(source), Bytes(source).ToArray());
        }

        var strings = new ReadOnlyMemory<byte>[Count(Dims(source))];
        for (var i = 0; i < strings.Length; i++)
        {
            strings[i] = source.GetStringElementAsSpan(i).ToArray();
        }

        return new(name, Dims(source), strings);
    }

    /// <summary>A new tensor in main memory with undefined content.</summary>
    internal static OrtValue Allocate(ElementType type, ReadOnlySpan<long> dims)
    {
        _ = Runtime.Environment;
        return OrtValue.CreateAllocatedTensorValue(
            OrtAllocator.DefaultInstance,
            (TensorElementType)type,
            dims.ToArray()
        );
    }

    /// <summary>A copy in main memory; null when the tensor lies there already.</summary>
    private static OrtValue? ToMainMemory(OrtValue value) =>
        IsInMainMemory(value) ? null : DeviceCopy.ToMainMemory(value);

    private static bool IsInMainMemory(OrtValue value)
    {
        using var memory = value.GetTensorMemoryInfo();
        return memory.Name != "Cuda";
    }

    private static Span<byte> Bytes(OrtValue value)
    {
        // ONNX Runtime's managed part counts bytes in 32 bits, without a check.
        var size = value.GetTensorSizeInBytes();
        return size <= Array.MaxLength
            ? value.GetTensorMutableRawData()
            : throw EngineErrors.UnsupportedTensor($"{TypeOf(value)}{TensorShape.Of(Dims(value))} of {size} bytes");
    }

    private static OrtValue Create<T>(Memory<T> data, ReadOnlySpan<long> dims)
        where T : unmanaged =>
        OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, data, dims.ToArray());

    private static OrtValue FromBytes<T>(OnnxTensor tensor, Memory<byte> bytes)
        where T : unmanaged => Create(new MemoryCast<byte, T>(bytes).Memory, tensor.Dims);

    private static OrtValue FromStrings(OnnxTensor tensor)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, tensor.Dims.ToArray());
        for (var i = 0; i < tensor.Strings!.Count; i++)
        {
            value.StringTensorSetElementAt(tensor.Strings[i].Span, i);
        }

        return value;
    }

    private static long Count(ReadOnlySpan<long> dims)
    {
        var count = 1L;
        foreach (var dim in dims)
        {
            count = checked(count * dim);
        }

        return count;
    }
}
