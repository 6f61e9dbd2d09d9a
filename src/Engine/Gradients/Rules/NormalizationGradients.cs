namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Normalisations by mean and variance.</summary>
internal static class NormalizationGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("InstanceNormalization", InstanceNormalization);
        rules.Add("LayerNormalization", LayerNormalization);
        rules.Add("GroupNormalization", GroupNormalization);
    }

    private static void InstanceNormalization(GradientContext c)
    {
        var dims = c.InputShape(0);
        var perChannel = Ones(dims.Length);
        perChannel[1] = dims[1];
        Apply(c, dims, Axes(2, dims.Length), perChannel, 1e-5f);
    }

    private static void LayerNormalization(GradientContext c)
    {
        if (c.Node.Outputs.Skip(1).Any(o => o.Length > 0 && c.GradientOf(c.Node.Outputs.IndexOf(o)) is not null))
        {
            throw c.Unsupported("gradients of its mean and deviation");
        }

        var dims = c.InputShape(0);
        var axis = c.Node.Int("axis", -1);
        axis = axis < 0 ? axis + dims.Length : axis;
        Apply(c, dims, Axes((int)axis, dims.Length), c.InputShape(1), 1e-5f);
    }

    private static void GroupNormalization(GradientContext c)
    {
        var dims = c.InputShape(0);
        var groups = c.Node.Int("num_groups");
        long[] grouped = [dims[0], groups, dims[1] / groups, .. dims[2..]];
        var perChannel = Ones(grouped.Length);
        perChannel[1] = groups;
        // Up to opset 20 there is one factor for each group, from 21 on one for each channel.
        perChannel[2] = c.InputShape(1)[0] == groups && c.Writer.Opset < 21 ? 1 : dims[1] / groups;
        Apply(c, grouped, Axes(2, grouped.Length), perChannel, 1e-5f);
    }

    /// <summary>
    /// y = γ·x̂ + β with x̂ = d·i, d = x − mean(x), i = 1/√(mean(d²) + ε):
    /// dx = i·(g − mean(g) − d·i²·mean(g·d)) with g = γ·dy.
    /// </summary>
    private static void Apply(GradientContext c, long[] dims, long[] axes, long[] scaleDims, float epsilon)
    {
        var w = c.Writer;
        var x = Shaped(c.Node.Inputs[0], c.InputShape(0), dims);
        var dy = Shaped(c.Gradient, c.OutputShape, dims);
        var scale = Shaped(c.Node.Inputs[1], c.InputShape(1), scaleDims);
        var count = axes.Aggregate(1L, (n, a) => n * dims[a]);
        var centred = c.Op("Sub", x, w.ReduceMean(x, axes));
        var sums = w.ReduceSum(c.Op("Mul", centred, centred), axes);
        var variance = c.Op("Mul", sums, c.Number(1.0 / count));
        var inverse = c.Op(
            "Reciprocal",
            c.Op("Sqrt", c.Op("Add", variance, c.Number(c.Node.Float("epsilon", epsilon))))
        );
        if (c.Needs(0))
        {
            // A factor that is one along the reduced axes can be applied behind the sums, on small tensors.
            var isConstant = Array.TrueForAll(axes, a => At(scaleDims, a, dims.Length) == 1);
            var g = isConstant ? dy : c.Op("Mul", dy, scale);
            var slope = c.Op("Mul", w.ReduceMean(c.Op("Mul", g, centred), axes), c.Op("Mul", inverse, inverse));
            var rest = c.Op("Sub", g, c.Op("Add", c.Op("Mul", centred, slope), w.ReduceMean(g, axes)));
            var factor = isConstant ? c.Op("Mul", inverse, scale) : inverse;
            c.Give(0, Shaped(c.Op("Mul", rest, factor), dims, c.InputShape(0)));
        }

        if (c.Needs(1))
        {
            var normalized = c.Op("Mul", c.Op("Mul", dy, centred), inverse);
            c.Give(1, Shaped(w.Unbroadcast(normalized, dims, scaleDims), scaleDims, c.InputShape(1)));
        }

        if (c.Needs(2))
        {
            var sum = w.Unbroadcast(dy, dims, scaleDims);
            c.Give(2, Shaped(sum, scaleDims, c.InputShape(2)));
        }

        string Shaped(string value, long[] from, long[] to) =>
            from.AsSpan().SequenceEqual(to) ? value : w.Reshape(value, to);
    }

    private static long At(long[] scaleDims, long axis, int rank)
    {
        var place = axis - (rank - scaleDims.Length);
        return place < 0 ? 1 : scaleDims[place];
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];

    private static long[] Axes(int first, int rank) => [.. Enumerable.Range(first, rank - first).Select(i => (long)i)];
}
