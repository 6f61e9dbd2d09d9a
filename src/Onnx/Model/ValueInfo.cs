using DiffusionQuant.Onnx.Protos;

namespace DiffusionQuant.Onnx;

/// <summary>What is known of a value (an edge of the graph): its name, element type and shape.</summary>
/// <param name="Name">The value's name, unique in its graph.</param>
/// <param name="ElementType">The element type of a tensor; <see cref="ElementType.Undefined"/> when not known or no tensor.</param>
/// <param name="Shape">The shape, or null when not even the rank is known.</param>
public sealed record ValueInfo(string Name, ElementType ElementType, TensorShape? Shape)
{
    /// <summary>The entry as it was read. Written back unchanged but for the name while type and shape still are what
    /// they were, so that denotations, doc strings and non-tensor types survive.</summary>
    internal ValueInfoProto? Source { get; init; }

    /// <summary>Type and shape at the time <see cref="Source"/> was read.</summary>
    internal (ElementType Type, TensorShape? Shape) SourceState { get; init; }

    /// <summary>Equal when name, type and shape are.</summary>
    public bool Equals(ValueInfo? other) =>
        other is not null && Name == other.Name && ElementType == other.ElementType && Equals(Shape, other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, ElementType, Shape);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {ElementType}{Shape?.ToString() ?? "[...]"}";
}
