namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Concat and Split.</summary>
internal static class JoiningRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Concat", Concat);
        rules.Add("Split", Split);
    }

    private static void Concat(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        var known = Enumerable.Range(0, c.InputCount).Select(c.Shape).Where(s => s is not null).ToArray();
        if (known.Length == 0)
        {
            return;
        }

        var rank = known[0]!.Rank;
        if (known.Any(s => s!.Rank != rank))
        {
            throw new ShapeConflictException("Joined values differ in rank.");
        }

        var axis = ShapeArithmetic.Axis(c.Node.Int("axis"), rank);
        var result = new Dimension[rank];
        for (var i = 0; i < rank; i++)
        {
            // All inputs agree in the other dimensions: a number among them speaks for all, and so does a symbol.
            result[i] =
                i != axis ? Agreed(known.Select(s => s![i]))
                : known.Length < c.InputCount ? Dimension.Unknown
                : known.Select(s => s![i]).Aggregate((Dimension)0, ShapeArithmetic.Sum);
        }

        c.Set(0, c.Type(0), new(result), rank == 1 ? JoinedElements(c) : null);
    }

    private static Dimension Agreed(IEnumerable<Dimension> dimensions) =>
        dimensions.Aggregate(
            Dimension.Unknown,
            (a, b) =>
                a.Value is { } x && b.Value is { } y && x != y
                    ? throw new ShapeConflictException($"{x} and {y} cannot be joined.")
                : a.Value is not null || b == Dimension.Unknown ? a
                : b.Value is not null || a == Dimension.Unknown ? b
                : a
        );

    /// <summary>Elements of joined vectors; a vector whose length alone is known contributes unknown ones.</summary>
    private static List<Term>? JoinedElements(RuleContext c)
    {
        var result = new List<Term>();
        for (var i = 0; i < c.InputCount; i++)
        {
            if (c.Type(i) is not (ElementType.Int64 or ElementType.Int32 or ElementType.Float))
            {
                return null;
            }

            if (ReshapingRules.Target(c, i) is not { } part)
            {
                return null;
            }

            result.AddRange(part);
        }

        return result;
    }

    private static void Split(RuleContext c)
    {
        var parts = c.Node.Outputs.Count;
        for (var i = 0; i < parts; i++)
        {
            c.Set(i, c.Type(0), null);
        }

        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        var axis = ShapeArithmetic.Axis(c.Node.Int("axis"), shape.Rank);
        var sizes = c.Integers("split", 1, out var given);
        if (sizes is not null && sizes.Length != parts)
        {
            throw new ShapeConflictException($"{sizes.Length} sizes are given for {parts} parts.");
        }

        var offset = 0L;
        for (var i = 0; i < parts; i++)
        {
            Dimension size =
                sizes is not null ? sizes[i]
                : given || shape[axis].Value is not { } whole ? Dimension.Unknown
                : EvenPart(whole, parts, i);
            IReadOnlyList<Term>? elements = null;
            if (
                shape.Rank == 1
                && c.Elements(0) is { } e
                && size.Value is >= 0 and <= ValueFacts.MostElements and var n
            )
            {
                elements = [.. e.Skip((int)offset).Take((int)n)];
                offset += n;
            }

            c.Set(i, c.Type(0), shape.With(axis, size), elements);
        }
    }

    /// <summary>The size of a part: all but the last are equal, the last may be smaller.</summary>
    private static long EvenPart(long whole, int parts, int index)
    {
        var size = (whole + parts - 1) / parts;
        return index < parts - 1 ? size : Math.Max(0, whole - (size * (parts - 1)));
    }
}
