namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Reductions along axes.</summary>
internal static class ReductionRules
{
    public static void AddTo(RuleTable rules)
    {
        foreach (
            var kind in (string[])["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]
        )
        {
            rules.Add("Reduce" + kind, Reduce);
        }

        rules.Add("ArgMax", Arg);
        rules.Add("ArgMin", Arg);
    }

    private static void Reduce(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        var axes = c.Integers("axes", 1, out var given);
        var keep = c.Node.Int("keepdims", 1) != 0;
        if (given && axes is null)
        {
            // The axes are computed: all that is known is the rank, and only if it stays.
            c.Set(0, c.Type(0), keep && c.Shape(0) is { } s ? ShapeArithmetic.OfRank(s.Rank) : null);
            return;
        }

        if (axes is null or [] && c.Node.Int("noop_with_empty_axes") != 0)
        {
            c.SetLike(0, 0);
            return;
        }

        if (c.Shape(0) is { } shape)
        {
            var reduced = Reduce(shape, axes is null or [] ? null : axes, keep);
            c.Set(0, c.Type(0), reduced, ValueFacts.SmallCount(reduced) == 1 ? Total(c) : null);
        }
    }

    private static void Arg(RuleContext c)
    {
        c.Set(0, ElementType.Int64, null);
        if (c.Shape(0) is { } shape)
        {
            c.Set(0, ElementType.Int64, Reduce(shape, [c.Node.Int("axis")], c.Node.Int("keepdims", 1) != 0));
        }
    }

    private static TensorShape Reduce(TensorShape shape, long[]? axes, bool keep)
    {
        var reduced = axes?.Select(a => ShapeArithmetic.Axis(a, shape.Rank)).ToHashSet();
        bool IsReduced(int axis) => reduced?.Contains(axis) ?? true;
        return keep ? new(shape.Select((d, i) => IsReduced(i) ? 1 : d)) : new(shape.Where((_, i) => !IsReduced(i)));
    }

    /// <summary>The single element of a reduction over everything.</summary>
    private static Term[]? Total(RuleContext c)
    {
        var operation = c.Node.OpType switch
        {
            "ReduceProd" => "Mul",
            "ReduceSum" => "Add",
            "ReduceMax" => "Max",
            "ReduceMin" => "Min",
            _ => null,
        };
        return operation is not null && c.Elements(0) is { Count: > 0 } elements
            ? [elements.Aggregate((a, b) => Term.Apply(operation, a, b, c.Type(0).IsInteger()))]
            : null;
    }
}
