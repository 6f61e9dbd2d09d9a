using System.Globalization;

namespace DiffusionQuant.Onnx;

/// <summary>One dimension of a shape: a number, a symbol (<c>batch</c>), or neither (unknown).</summary>
/// <param name="Value">The size, when known.</param>
/// <param name="Symbol">The name of a symbolic dimension; any string, kept byte for byte.</param>
public readonly record struct Dimension(long? Value, string? Symbol)
{
    /// <summary>A dimension of which nothing is known.</summary>
    public static Dimension Unknown => default;

    /// <summary>A dimension of known size.</summary>
    public static Dimension Of(long value) => new(value, null);

    /// <summary>A symbolic dimension.</summary>
    public static Dimension Named(string symbol) => new(null, symbol);

    /// <summary>Whether the size is a number.</summary>
    public bool IsKnown => Value is not null;

    /// <summary>A number is a dimension of that size.</summary>
    public static implicit operator Dimension(long value) => Of(value);

    /// <summary>A string is a symbolic dimension.</summary>
    public static implicit operator Dimension(string symbol) => Named(symbol);

    /// <inheritdoc/>
    public override string ToString() => Value?.ToString(CultureInfo.InvariantCulture) ?? Symbol ?? "?";
}
