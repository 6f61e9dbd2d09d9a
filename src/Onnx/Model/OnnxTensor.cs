using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DiffusionQuant.Onnx;

/// <summary>
/// A constant tensor. Its elements are bytes as in ONNX's <c>raw_data</c> (little endian, sub-byte types packed), in
/// memory or mapped from an external file; they are shared, never copied, and must not be changed in place.
/// </summary>
public sealed class OnnxTensor
{
    private readonly long[] dims;

    /// <summary>Makes a tensor over existing bytes.</summary>
    /// <param name="name">The name; empty for a tensor inside an attribute.</param>
    /// <param name="elementType">The element type; not <see cref="ElementType.String"/>.</param>
    /// <param name="dims">The sizes; empty for a scalar.</param>
    /// <param name="data">The packed elements.</param>
    /// <exception cref="ArgumentException">The number of bytes does not fit type and sizes.</exception>
    public OnnxTensor(string name, ElementType elementType, ReadOnlySpan<long> dims, ReadOnlyMemory<byte> data)
    {
        Name = name;
        ElementType = elementType;
        this.dims = dims.ToArray();
        Data = data;
        var expected = elementType.ByteSize(ElementCount);
        if (elementType.BitsOf() == 0 || expected != data.Length)
        {
            throw new ArgumentException(
                $"{elementType}[{string.Join(',', this.dims)}] takes {expected} bytes, not {data.Length}.",
                nameof(data)
            );
        }
    }

    /// <summary>Makes a tensor of strings.</summary>
    /// <param name="name">The name; empty for a tensor inside an attribute.</param>
    /// <param name="dims">The sizes; empty for a scalar.</param>
    /// <param name="strings">The elements as UTF-8 bytes.</param>
    public OnnxTensor(string name, ReadOnlySpan<long> dims, IReadOnlyList<ReadOnlyMemory<byte>> strings)
    {
        Name = name;
        ElementType = ElementType.String;
        this.dims = dims.ToArray();
        Strings = strings;
        if (strings.Count != ElementCount)
        {
            throw new ArgumentException($"{ElementCount} strings are expected, not {strings.Count}.", nameof(strings));
        }
    }

    /// <summary>The name; empty for a tensor inside an attribute.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public ElementType ElementType { get; }

    /// <summary>The sizes; empty for a scalar.</summary>
    public ReadOnlySpan<long> Dims => dims;

    /// <summary>The number of dimensions.</summary>
    public int Rank => dims.Length;

    /// <summary>The number of elements; 1 for a scalar.</summary>
    public long ElementCount
    {
        get
        {
            var count = 1L;
            foreach (var d in dims)
            {
                count = checked(count * d);
            }

            return count;
        }
    }

    /// <summary>The packed elements; empty for strings.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The elements of a string tensor, as UTF-8 bytes; null otherwise.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>>? Strings { get; }

    /// <summary>The sizes as a shape.</summary>
    public TensorShape Shape => TensorShape.Of(dims);

    /// <summary>
    /// The elements without a copy. They may lie in a mapped file, which is let go when neither the tensor nor any memory
    /// of it can be reached: keep the tensor (or its model) while you use the span.
    /// </summary>
    /// <typeparam name="T">A type of the element type's width.</typeparam>
    public ReadOnlySpan<T> Span<T>()
        where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() * 8 != ElementType.BitsOf())
        {
            throw new InvalidOperationException($"{ElementType} elements cannot be read as {typeof(T).Name}.");
        }

        return MemoryMarshal.Cast<byte, T>(Data.Span);
    }

    /// <summary>The elements as float32: no copy when they are, else converted (float16, bfloat16, double, integers).</summary>
    public ReadOnlyMemory<float> ToFloats() => TensorConversion.ToFloats(this);

    /// <summary>The elements as int64, converted from any integer or boolean type.</summary>
    public long[] ToInt64s() => TensorConversion.ToInt64s(this);

    /// <summary>The same elements under another name.</summary>
    public OnnxTensor WithName(string name) =>
        Strings is null ? new(name, ElementType, dims, Data) : new(name, dims, Strings);

    /// <summary>The same elements with other sizes.</summary>
    public OnnxTensor WithDims(params ReadOnlySpan<long> newDims) =>
        Strings is null ? new(Name, ElementType, newDims, Data) : new(Name, newDims, Strings);

    /// <summary>A float32 tensor.</summary>
    public static OnnxTensor Of(string name, ReadOnlySpan<float> values, params ReadOnlySpan<long> dims) =>
        new(name, ElementType.Float, dims, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>An int64 tensor.</summary>
    public static OnnxTensor Of(string name, ReadOnlySpan<long> values, params ReadOnlySpan<long> dims) =>
        new(name, ElementType.Int64, dims, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>An int32 tensor.</summary>
    public static OnnxTensor Of(string name, ReadOnlySpan<int> values, params ReadOnlySpan<long> dims) =>
        new(name, ElementType.Int32, dims, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>An int8 tensor.</summary>
    public static OnnxTensor Of(string name, ReadOnlySpan<sbyte> values, params ReadOnlySpan<long> dims) =>
        new(name, ElementType.Int8, dims, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A uint8 tensor.</summary>
    public static OnnxTensor Of(string name, ReadOnlySpan<byte> values, params ReadOnlySpan<long> dims) =>
        new(name, ElementType.UInt8, dims, values.ToArray());

    /// <summary>A scalar float32 tensor.</summary>
    public static OnnxTensor Scalar(string name, float value) => Of(name, [value]);

    /// <summary>A scalar int64 tensor.</summary>
    public static OnnxTensor Scalar(string name, long value) => Of(name, [value]);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {ElementType}{Shape}";
}
