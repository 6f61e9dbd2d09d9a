using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>What passes ask about shapes and element types.</summary>
internal static class Shapes
{
    /// <summary>Whether two sizes are known to be equal: the same number, or the same symbol.</summary>
    public static bool Same(Dimension a, Dimension b) => a == b && a != Dimension.Unknown;

    /// <summary>Whether two shapes are known to be equal.</summary>
    public static bool Same(TensorShape? a, TensorShape? b) =>
        a is not null && b is not null && a.Rank == b.Rank && a.Zip(b).All(p => Same(p.First, p.Second));

    /// <summary>The shape of a value, if its rank is known.</summary>
    public static TensorShape? ShapeOf(this OnnxGraph graph, string value) => graph.Find(value)?.Shape;

    /// <summary>The element type of a value; float where nothing is known.</summary>
    public static ElementType TypeOf(this OnnxGraph graph, string value) =>
        graph.Find(value) is { ElementType: not ElementType.Undefined } info ? info.ElementType : ElementType.Float;
}
