using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine;

/// <summary>Makes constants of any type of floats from float32 numbers.</summary>
public static class FloatTensors
{
    /// <summary>A tensor of a type of floats.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">Float, Float16, BFloat16 or Double.</param>
    /// <param name="values">The numbers; they are rounded to the type.</param>
    /// <param name="dims">The sizes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is none of these.</exception>
    public static OnnxTensor Of(
        string name,
        ElementType type,
        ReadOnlySpan<float> values,
        params ReadOnlySpan<long> dims
    )
    {
        var bytes = new byte[type.ByteSize(values.Length)];
        FloatConversion.FromFloats(values, type, bytes);
        return new(name, type, dims, bytes);
    }

    /// <summary>A tensor of the same name, type and sizes that holds other numbers.</summary>
    public static OnnxTensor WithFloats(this OnnxTensor tensor, ReadOnlySpan<float> values) =>
        Of(tensor.Name, tensor.ElementType, values, tensor.Dims);
}
