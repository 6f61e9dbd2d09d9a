using System.Collections;
using System.Runtime.CompilerServices;

namespace DiffusionQuant.Onnx;

/// <summary>The shape of a value of known rank; equal when all dimensions are.</summary>
[CollectionBuilder(typeof(TensorShape), nameof(Create))]
public sealed class TensorShape : IReadOnlyList<Dimension>, IEquatable<TensorShape>
{
    private readonly Dimension[] dimensions;

    /// <summary>Makes a shape of these dimensions.</summary>
    public TensorShape(IEnumerable<Dimension> dimensions) => this.dimensions = [.. dimensions];

    /// <summary>The shape of a scalar: rank 0.</summary>
    public static TensorShape Scalar { get; } = new([]);

    /// <summary>Makes a shape from a collection expression.</summary>
    public static TensorShape Create(ReadOnlySpan<Dimension> dimensions) => new(dimensions.ToArray());

    /// <summary>A shape of known sizes.</summary>
    public static TensorShape Of(params ReadOnlySpan<long> sizes)
    {
        var result = new Dimension[sizes.Length];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = sizes[i];
        }

        return new(result);
    }

    /// <summary>The number of dimensions.</summary>
    public int Rank => dimensions.Length;

    /// <inheritdoc/>
    public int Count => dimensions.Length;

    /// <inheritdoc/>
    public Dimension this[int index] => dimensions[index];

    /// <summary>Whether every dimension is a number.</summary>
    public bool IsStatic => Array.TrueForAll(dimensions, d => d.IsKnown);

    /// <summary>The number of elements, or null when a dimension is not a number.</summary>
    public long? ElementCount
    {
        get
        {
            var count = 1L;
            foreach (var d in dimensions)
            {
                if (d.Value is not { } value)
                {
                    return null;
                }

                count = checked(count * value);
            }

            return count;
        }
    }

    /// <summary>The sizes as numbers.</summary>
    /// <exception cref="InvalidOperationException">A dimension is not a number.</exception>
    public long[] ToStatic() =>
        Array.ConvertAll(
            dimensions,
            d => d.Value ?? throw new InvalidOperationException($"The shape {this} is not static.")
        );

    /// <inheritdoc/>
    public bool Equals(TensorShape? other) => other is not null && dimensions.AsSpan().SequenceEqual(other.dimensions);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorShape);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var d in dimensions)
        {
            hash.Add(d);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<Dimension> GetEnumerator() => ((IEnumerable<Dimension>)dimensions).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(',', dimensions)}]";
}
