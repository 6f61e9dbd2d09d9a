namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Slice and Pad: the two that cut off or add at the ends.</summary>
internal static class SlicingRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Slice", Slice);
        rules.Add("Pad", Pad);
    }

    private static void Slice(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        c.Set(0, c.Type(0), ShapeArithmetic.OfRank(shape.Rank));
        var (starts, ends) = (c.Elements(1), c.Elements(2));
        var count = starts?.Count ?? ends?.Count;
        if (count is null || starts is null || ends is null || ends.Count != count)
        {
            SetUnknownAxes(c, shape);
            return;
        }

        var axes = c.Has(3) ? c.Integers(3) : [.. Enumerable.Range(0, count.Value).Select(i => (long)i)];
        var steps = c.Has(4) ? c.Integers(4) : [.. Enumerable.Repeat(1L, count.Value)];
        if (axes is null || axes.Length != count || steps is null || steps.Length != count)
        {
            return;
        }

        var result = shape;
        IReadOnlyList<Term>? elements = shape.Rank == 1 ? c.Elements(0) : null;
        for (var i = 0; i < count; i++)
        {
            var axis = ShapeArithmetic.Axis(axes[i], shape.Rank);
            var range = Range(shape[axis], starts[i], ends[i], steps[i]);
            var whole = IsWhole(shape[axis], starts[i], ends[i], steps[i]);
            result = result.With(
                axis,
                whole ? shape[axis]
                    : range is var (_, length) ? length
                    : Dimension.Unknown
            );
            elements =
                elements is null || whole ? elements
                : range is var (first, n)
                    ? [.. Enumerable.Range(0, (int)n).Select(j => elements[(int)(first + (j * steps[i]))])]
                : null;
        }

        c.Set(0, c.Type(0), result, elements);
    }

    /// <summary>With computed bounds only the sliced axes are unknown, if it is known which they are.</summary>
    private static void SetUnknownAxes(RuleContext c, TensorShape shape)
    {
        if (c.Integers(3) is { } axes)
        {
            var cut = axes.Select(a => ShapeArithmetic.Axis(a, shape.Rank)).ToHashSet();
            c.Set(0, c.Type(0), new(shape.Select((d, i) => cut.Contains(i) ? Dimension.Unknown : d)));
        }
    }

    private static bool IsWhole(Dimension size, Term start, Term end, long step) =>
        step == 1
        && start.Number == 0
        && (end.Number >= int.MaxValue || (end.Symbol is not null && end.Symbol == size.Symbol));

    /// <summary>The first index and the number of elements, for a known size and known bounds.</summary>
    private static (long First, long Length)? Range(Dimension size, Term start, Term end, long step)
    {
        if (step == 0)
        {
            throw new ShapeConflictException("A step of 0 goes nowhere.");
        }

        if (size.Value is not { } n || start.Integer is not { } s || end.Integer is not { } e)
        {
            return null;
        }

        long Clamp(long index, long least, long most) => Math.Clamp(index < 0 ? index + n : index, least, most);

        if (step > 0)
        {
            var first = Clamp(s, 0, n);
            var length = Clamp(e, 0, n) - first;
            return (first, length <= 0 ? 0 : ((length - 1) / step) + 1);
        }

        var last = Clamp(s, -1, n - 1);
        var back = last - Clamp(e, -1, n - 1);

        // The smallest step cannot be negated.
        return (last, back <= 0 ? 0 : ((back - 1) / Math.Max(1, -Math.Max(step, -long.MaxValue))) + 1);
    }

    private static void Pad(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        c.Set(0, c.Type(0), ShapeArithmetic.OfRank(shape.Rank));
        var pads = c.Node.Ints("pads") is { } fixedPads ? [.. fixedPads] : c.Integers(1);
        var axes = c.Has(3) ? c.Integers(3) : [.. Enumerable.Range(0, shape.Rank).Select(i => (long)i)];
        if (pads is null || axes is null)
        {
            return;
        }

        if (pads.Length != 2 * axes.Length)
        {
            throw new ShapeConflictException($"{pads.Length} pads do not fit {axes.Length} axes.");
        }

        var result = shape;
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = ShapeArithmetic.Axis(axes[i], shape.Rank);
            result = result.With(axis, ShapeArithmetic.Sum(shape[axis], pads[i] + pads[i + axes.Length]));
        }

        c.Set(0, c.Type(0), result);
    }
}
