using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Reductions along axes.</summary>
internal static class ReductionGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("ReduceSum", c => c.Give(0, Spread(c, c.Gradient)));
        rules.Add("ReduceMean", Mean);
        rules.Add("ReduceSumSquare", SumOfSquares);
        rules.Add("ReduceL1", c => c.Give(0, c.Op("Mul", c.Op("Sign", c.Node.Inputs[0]), Kept(c, c.Gradient))));
        rules.Add("ReduceL2", Length);
        rules.Add("ReduceLogSum", LogarithmOfSum);
        rules.Add("ReduceLogSumExp", LogarithmOfExponentials);
        rules.Add("ReduceMax", c => Extreme(c, Kept(c, c.Node.Outputs[0]), Kept(c, c.Gradient), Axes(c)));
        rules.Add("ReduceMin", c => Extreme(c, Kept(c, c.Node.Outputs[0]), Kept(c, c.Gradient), Axes(c)));
        rules.Add("ReduceProd", Product);
    }

    /// <summary>Elements that share an extreme value share its gradient.</summary>
    /// <param name="c">A reduction to an extreme.</param>
    /// <param name="extreme">The extreme values, with the input's rank.</param>
    /// <param name="gradient">Their gradients.</param>
    /// <param name="axes">The axes of the reduction.</param>
    public static void Extreme(GradientContext c, string extreme, string gradient, long[] axes)
    {
        var isExtreme = c.Op("Equal", c.Node.Inputs[0], extreme);
        var taken = c.Writer.Cast(isExtreme, ElementType.Bool, c.Type);
        c.Give(0, c.Op("Mul", taken, c.Op("Div", gradient, c.Writer.ReduceSum(taken, axes))));
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

    /// <summary>x/|x|, which is 0 at the origin.</summary>
    private static void Length(GradientContext c)
    {
        var least = c.Number(c.Type == ElementType.Float16 ? 1e-7 : 1e-37);
        var share = c.Op("Div", c.Gradient, c.Op("Max", c.Node.Outputs[0], least));
        c.Give(0, c.Op("Mul", c.Node.Inputs[0], Kept(c, share)));
    }

    private static void LogarithmOfSum(GradientContext c) =>
        c.Give(0, Spread(c, c.Op("Div", c.Gradient, c.Op("Exp", c.Node.Outputs[0]))));

    private static void LogarithmOfExponentials(GradientContext c)
    {
        var share = c.Op("Exp", c.Op("Sub", c.Node.Inputs[0], Kept(c, c.Node.Outputs[0])));
        c.Give(0, c.Op("Mul", share, Kept(c, c.Gradient)));
    }

    /// <summary>The product of the other elements. Zeros are counted apart, so that nothing is divided by one.</summary>
    private static void Product(GradientContext c)
    {
        var (x, axes) = (c.Node.Inputs[0], Axes(c));
        var isZero = c.Op("Equal", x, c.Number(0));
        var zero = c.Writer.Cast(isZero, ElementType.Bool, c.Type);
        var divisor = c.Op("Where", isZero, c.Number(1), x);
        var others = c.Op("Div", c.Writer.Reduce("ReduceProd", divisor, axes), divisor);
        var hasOtherZeros = c.Op("Greater", c.Op("Sub", c.Writer.ReduceSum(zero, axes), zero), c.Number(0));
        c.Give(0, c.Op("Mul", c.Op("Where", hasOtherZeros, c.Number(0), others), Kept(c, c.Gradient)));
    }
}
