namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>What inference knows of a value.</summary>
/// <param name="Type">The element type, or Undefined.</param>
/// <param name="Shape">The shape, or null when not even the rank is known.</param>
/// <param name="Elements">The elements in row-major order, for small tensors that shapes may depend on; null otherwise.</param>
internal sealed record ValueFacts(ElementType Type, TensorShape? Shape, IReadOnlyList<Term>? Elements = null)
{
    /// <summary>Tensors with more elements are not followed: no shape has so many dimensions.</summary>
    public const int MostElements = 1024;

    public static ValueFacts Nothing { get; } = new(ElementType.Undefined, null);

    /// <summary>The facts of a constant.</summary>
    public static ValueFacts Of(OnnxTensor tensor) => new(tensor.ElementType, tensor.Shape, ElementsOf(tensor));

    /// <summary>The number of elements, if the shape is static and small enough to follow them.</summary>
    public static int? SmallCount(TensorShape shape)
    {
        var count = 1L;
        foreach (var d in shape)
        {
            if (d.Value is not (>= 0 and <= MostElements and var size) || (count *= size) > MostElements)
            {
                return null;
            }
        }

        return (int)count;
    }

    /// <summary>The same facts; without elements when there are too many, or another number than the shape takes.</summary>
    public ValueFacts Checked() =>
        Elements is { } e && (e.Count > MostElements || (Shape is { } s && SmallCount(s) is { } n && n != e.Count))
            ? this with
            {
                Elements = null,
            }
            : this;

    private static Term[]? ElementsOf(OnnxTensor tensor)
    {
        if (tensor.ElementCount > MostElements || tensor.Strings is not null)
        {
            return null;
        }

        return tensor.ElementType switch
        {
            ElementType.Float or ElementType.Float16 or ElementType.Double or ElementType.BFloat16 =>
            [
                .. tensor.ToFloats().ToArray().Select(v => (Term)v),
            ],
            ElementType.UInt64 or ElementType.Complex64 or ElementType.Complex128 => null,
            _ when tensor.ElementType.IsInteger() => [.. tensor.ToInt64s().Select(v => (Term)v)],
            _ => null,
        };
    }
}
