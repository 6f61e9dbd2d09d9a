namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class GatheringRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Gather", Gather);
        rules.Add("GatherElements", c => c.Set(0, c.Type(0), c.Shape(1)));
        rules.Add("GatherND", GatherBlocks);
        rules.Add("Scatter", c => c.SetLike(0, 0));
        rules.Add("ScatterElements", c => c.SetLike(0, 0));
        rules.Add("ScatterND", c => c.SetLike(0, 0));
        rules.Add("TensorScatter", c => c.SetLike(0, 0));
        rules.Add("TopK", TopK);
        rules.Add("OneHot", OneHot);
        rules.Add("NonZero", NonZero);
        rules.Add(
            "Compress",
            c => c.Set(0, c.Type(0), c.Node.Attributes.ContainsKey("axis") ? Ranked(c) : ShapeArithmetic.OfRank(1))
        );
        rules.Add(
            "Unique",
            c => c.Set(0, c.Type(0), c.Node.Attributes.ContainsKey("axis") ? Ranked(c) : ShapeArithmetic.OfRank(1))
        );
    }

    private static TensorShape? Ranked(RuleContext c) =>
        c.Shape(0) is { } shape
            ? shape.With(ShapeArithmetic.Axis(c.Node.Int("axis"), shape.Rank), Dimension.Unknown)
            : null;

    private static void Gather(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } data || c.Shape(1) is not { } indices)
        {
            return;
        }

        var axis = ShapeArithmetic.Axis(c.Node.Int("axis"), data.Rank);
        IReadOnlyList<Term>? elements = null;
        if (data.Rank == 1 && c.Elements(0) is { } values && c.Integers(1) is { } picks)
        {
            elements = [.. picks.Select(p => values[ShapeArithmetic.Axis(p, values.Count)])];
        }

        c.Set(0, c.Type(0), [.. data.Take(axis), .. indices, .. data.Skip(axis + 1)], elements);
    }

    private static void GatherBlocks(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        var batch = c.Node.Int("batch_dims");
        if (
            c.Shape(0) is { } data
            && c.Shape(1) is { Rank: > 0 } indices
            && indices[^1].Value is { } depth
            && depth + batch <= data.Rank
        )
        {
            c.Set(0, c.Type(0), [.. indices.SkipLast(1), .. data.Skip((int)(depth + batch))]);
        }
    }

    private static void TopK(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        c.Set(1, ElementType.Int64, null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        var k = c.Elements(1) is [var count] ? count.Dimension : Dimension.Unknown;
        var result = shape.With(ShapeArithmetic.Axis(c.Node.Int("axis", -1), shape.Rank), k);
        c.Set(0, c.Type(0), result);
        c.Set(1, ElementType.Int64, result);
    }

    private static void OneHot(RuleContext c)
    {
        c.Set(0, c.Type(2), null);
        if (c.Shape(0) is not { } indices)
        {
            return;
        }

        var depth = c.Elements(1) is [var d] ? d.Dimension : Dimension.Unknown;
        var dims = indices.ToList();
        dims.Insert(ShapeArithmetic.Axis(c.Node.Int("axis", -1), indices.Rank + 1), depth);
        c.Set(0, c.Type(2), new(dims));
    }

    private static void NonZero(RuleContext c)
    {
        c.Set(0, ElementType.Int64, null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        if (shape.Rank == 1 && c.Elements(0) is { } elements && elements.All(e => e.Number is not null))
        {
            var places = Enumerable.Range(0, elements.Count).Where(i => elements[i].Number != 0).ToArray();
            c.Set(0, ElementType.Int64, TensorShape.Of(1, places.Length), [.. places.Select(p => (Term)p)]);
            return;
        }

        c.Set(0, ElementType.Int64, [shape.Rank, Dimension.Unknown]);
    }
}
