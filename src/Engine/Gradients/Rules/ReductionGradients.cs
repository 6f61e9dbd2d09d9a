namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Reductions along axes.</summary>
internal static class ReductionGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("ReduceSum", c => c.Give(0, Spread(c, c.Gradient)));
        rules.Add("ReduceMean", Mean);
        rules.Add("ReduceSumSquare", SumOfSquares);
    }

    /// <summary>The axes that a reduction sums over, none negative.</summary>
    public static long[] Axes(GradientContext c)
    {
        var rank = c.InputShape(0).Length;
        var axes = c.Node.Ints("axes")?.ToArray() ?? c.Writer.Constant(c.Node.Input(1))?.ToInt64s();
        if (axes is null && c.Node.Input(1) is not null)
        {
            throw c.Unsupported("axes that are computed at run time");
        }

        return axes is null or []
            ? c.Node.Int("noop_with_empty_axes") != 0
                ? []
                : [.. Enumerable.Range(0, rank).Select(i => (long)i)]
            : [.. axes.Select(a => a < 0 ? a + rank : a).Order()];
    }

    /// <summary>A value of the output's shape in the shape that broadcasts over the input.</summary>
    public static string Kept(GradientContext c, string value)
    {
        var dims = c.InputShape(0);
        foreach (var axis in Axes(c))
        {
            dims[axis] = 1;
        }

        return c.Node.Int("keepdims", 1) != 0 ? value : c.Writer.Reshape(value, dims);
    }

    private static string Spread(GradientContext c, string gradient) =>
        c.Op("Expand", Kept(c, gradient), c.Writer.Integers(c.InputShape(0)));

    private static void Mean(GradientContext c)
    {
        var count = Axes(c).Aggregate(1L, (n, axis) => n * c.InputShape(0)[axis]);
        c.Give(0, Spread(c, c.Op("Mul", c.Gradient, c.Number(1.0 / count))));
    }

    private static void SumOfSquares(GradientContext c) =>
        c.Give(0, c.Op("Mul", c.Node.Inputs[0], Kept(c, c.Op("Mul", c.Gradient, c.Number(2)))));
}
