namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators that keep the elements in order and change only the shape, and Expand.</summary>
internal static class ReshapingRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Reshape", Reshape);
        rules.Add("Flatten", Flatten);
        rules.Add("Squeeze", Squeeze);
        rules.Add("Unsqueeze", Unsqueeze);
        rules.Add("Expand", Expand);
    }

    /// <summary>The shape that a one-dimensional value describes: of known rank at least when its length is known.</summary>
    public static Term[]? Target(RuleContext c, int input) =>
        c.Elements(input) is { } elements ? [.. elements]
        : c.Shape(input) is { Rank: 1 } shape && shape[0].Value is >= 0 and <= 64 and var rank ? new Term[rank]
        : null;

    private static void Reshape(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (Target(c, 1) is not { } target)
        {
            return;
        }

        var source = c.Shape(0);
        var keepsZero = c.Node.Int("allowzero") != 0;
        var result = new Dimension[target.Length];
        var rest = -1;
        for (var i = 0; i < target.Length; i++)
        {
            if (target[i].Number == -1)
            {
                rest = i;
            }
            else if (target[i].Number == 0 && !keepsZero)
            {
                // Zero copies the input's dimension.
                result[i] = source is not null && i < source.Rank ? source[i] : Dimension.Unknown;
            }
            else
            {
                result[i] = target[i].Dimension;
            }
        }

        var unknown = Enumerable.Range(0, result.Length).Where(i => result[i] == Dimension.Unknown).ToArray();
        if (source is not null && unknown.Length == 1)
        {
            // One free dimension follows from the others, whether it was written as -1 or computed at run time.
            result[unknown[0]] = ShapeArithmetic.Ratio(source, result.Where((_, i) => i != unknown[0]));
        }
        else if (source is not null && rest >= 0 && unknown.Length > 1)
        {
            result[rest] = Dimension.Unknown;
        }

        c.Set(0, c.Type(0), new(result), c.Elements(0));
    }

    private static void Flatten(RuleContext c)
    {
        c.Set(0, c.Type(0), ShapeArithmetic.OfRank(2));
        if (c.Shape(0) is { } shape)
        {
            var axis = c.Node.Int("axis", 1);
            var split = axis == shape.Rank ? shape.Rank : ShapeArithmetic.Axis(axis, Math.Max(shape.Rank, 1));
            c.Set(
                0,
                c.Type(0),
                [ShapeArithmetic.Product(shape.Take(split)), ShapeArithmetic.Product(shape.Skip(split))],
                c.Elements(0)
            );
        }
    }

    private static void Squeeze(RuleContext c)
    {
        c.Set(0, c.Type(0), null, c.Elements(0));
        var axes = c.Integers("axes", 1, out var given);
        if (c.Shape(0) is not { } shape || (given && axes is null) || (!given && !shape.IsStatic))
        {
            return;
        }

        var removed = given
            ? axes!.Select(a => ShapeArithmetic.Axis(a, shape.Rank)).ToHashSet()
            : [.. Enumerable.Range(0, shape.Rank).Where(i => shape[i].Value == 1)];
        c.Set(0, c.Type(0), new(shape.Where((_, i) => !removed.Contains(i))), c.Elements(0));
    }

    private static void Unsqueeze(RuleContext c)
    {
        c.Set(0, c.Type(0), null, c.Elements(0));
        if (c.Shape(0) is not { } shape || c.Integers("axes", 1, out _) is not { } axes)
        {
            return;
        }

        var rank = shape.Rank + axes.Length;
        var added = axes.Select(a => ShapeArithmetic.Axis(a, rank)).ToHashSet();
        if (added.Count != axes.Length)
        {
            throw new ShapeConflictException("An axis is inserted twice.");
        }

        using var old = shape.GetEnumerator();
        var result = new Dimension[rank];
        for (var i = 0; i < rank; i++)
        {
            result[i] =
                added.Contains(i) ? 1
                : old.MoveNext() ? old.Current
                : Dimension.Unknown;
        }

        c.Set(0, c.Type(0), new(result), c.Elements(0));
    }

    private static void Expand(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape || Target(c, 1) is not { } target)
        {
            return;
        }

        var result = ShapeArithmetic.Broadcast(shape, new TensorShape(target.Select(t => t.Dimension)))!;
        var elements =
            c.Elements(0) is [var only] && ValueFacts.SmallCount(result) is { } count
                ? Enumerable.Repeat(only, count).ToArray()
                : null;
        c.Set(0, c.Type(0), result, elements);
    }
}
