namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>Arithmetic on shapes and dimensions; results that depend on an unknown size are unknown.</summary>
internal static class ShapeArithmetic
{
    /// <summary>A shape of unknown sizes.</summary>
    public static TensorShape OfRank(long rank) =>
        rank is >= 0 and <= 64
            ? new(Enumerable.Repeat(Dimension.Unknown, (int)rank))
            : throw new ShapeConflictException($"A rank of {rank} is absurd.");

    /// <summary>The shape with one dimension replaced.</summary>
    public static TensorShape With(this TensorShape shape, int axis, Dimension dimension) =>
        new(shape.Select((d, i) => i == axis ? dimension : d));

    /// <summary>A non-negative axis.</summary>
    public static int Axis(long axis, int rank)
    {
        var result = axis < 0 ? axis + rank : axis;
        return result >= 0 && result < rank
            ? (int)result
            : throw new ShapeConflictException($"Axis {axis} is outside a rank of {rank}.");
    }

    /// <summary>Numpy's broadcasting; null when one of the shapes is.</summary>
    public static TensorShape? Broadcast(params IEnumerable<TensorShape?> shapes)
    {
        TensorShape? result = TensorShape.Scalar;
        foreach (var shape in shapes)
        {
            if (shape is null || result is null)
            {
                return null;
            }

            result = Broadcast(result, shape);
        }

        return result;
    }

    private static TensorShape Broadcast(TensorShape a, TensorShape b)
    {
        var rank = Math.Max(a.Rank, b.Rank);
        var result = new Dimension[rank];
        for (var i = 0; i < rank; i++)
        {
            var (x, y) = (i - rank + a.Rank, i - rank + b.Rank);
            result[i] = Broadcast(x < 0 ? 1 : a[x], y < 0 ? 1 : b[y]);
        }

        return new(result);
    }

    /// <summary>One dimension against another: equal, or one of them 1.</summary>
    public static Dimension Broadcast(Dimension a, Dimension b) =>
        (a.Value, b.Value) switch
        {
            (1, _) => b,
            (_, 1) => a,
            ({ } x, { } y) when x != y => throw new ShapeConflictException($"{x} and {y} cannot be broadcast."),
            ({ }, _) => a,
            (_, { }) => b,
            _ => a == b && a.Symbol is not null ? a : Dimension.Unknown,
        };

    /// <summary>Two statements about the same dimension: the more telling one, the first when they differ.</summary>
    public static Dimension Refine(Dimension a, Dimension b) => a.Value is null && a.Symbol is null ? b : a;

    /// <summary>Two statements about the same value: the first is believed, the second fills its gaps.</summary>
    public static TensorShape? Refine(TensorShape? a, TensorShape? b) =>
        a is null ? b
        : b is null || a.Rank != b.Rank ? a
        : new(a.Zip(b, Refine));

    /// <summary>What holds for either of two shapes (of branches): dimensions that differ are unknown.</summary>
    public static TensorShape? Common(TensorShape? a, TensorShape? b) =>
        a is null || b is null || a.Rank != b.Rank ? null : new(a.Zip(b, (x, y) => x == y ? x : Dimension.Unknown));

    /// <summary>The sum, when both are numbers or one is 0.</summary>
    public static Dimension Sum(Dimension a, Dimension b) => Term.Apply("Add", a, b, integers: true).Dimension;

    /// <summary>The product, when both are numbers or one is 1.</summary>
    public static Dimension Product(Dimension a, Dimension b) => Term.Apply("Mul", a, b, integers: true).Dimension;

    /// <summary>The quotient rounded down, when both are numbers or the divisor is 1.</summary>
    public static Dimension Quotient(Dimension a, Dimension b) => Term.Apply("Div", a, b, integers: true).Dimension;

    /// <summary>The product of dimensions.</summary>
    public static Dimension Product(IEnumerable<Dimension> dimensions) => dimensions.Aggregate((Dimension)1, Product);

    /// <summary>The product over the product of others, where equal symbols cancel; unknown when it is no whole number
    /// and no single symbol.</summary>
    public static Dimension Ratio(IEnumerable<Dimension> dividend, IEnumerable<Dimension> divisor)
    {
        var above = dividend.ToList();
        var below = divisor.Where(d => d.Symbol is null || !above.Remove(d)).ToList();
        var symbols = above.Where(d => d.Symbol is not null).ToArray();
        var (x, y) = (Product(above.Where(d => d.Symbol is null)), Product(below));
        return (x.Value, y.Value, symbols) switch
        {
            ({ } a, > 0 and var b, []) when a % b == 0 => a / b,
            ({ } a, > 0 and var b, [var symbol]) when a == b => symbol,
            _ => Dimension.Unknown,
        };
    }
}
