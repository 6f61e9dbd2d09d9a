using DiffusionQuant.Onnx;

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
    /// y = γ·x̂ + β with x̂ = d·i, d = x − mean(x), i = 1/√(mean(d²) + ε): dx = i·(g − mean(g) − x̂·mean(g·x̂)) with g = γ·dy.
    /// The node itself is written out in the same terms, so that nothing is computed twice.
    /// </summary>
    private static void Apply(GradientContext c, long[] dims, long[] axes, long[] scaleDims, float epsilon)
    {
        var w = c.Writer;
        var x = Shaped(c.Node.Inputs[0], c.InputShape(0), dims);
        var dy = Shaped(c.Gradient, c.OutputShape, dims);
        var centred = c.Op("Sub", x, w.ReduceMean(x, axes));
        var variance = w.ReduceMean(c.Op("Mul", centred, centred), axes);
        var inverse = c.Op(
            "Reciprocal",
            c.Op("Sqrt", c.Op("Add", variance, c.Number(c.Node.Float("epsilon", epsilon))))
        );
        var normalized = c.Op("Mul", centred, inverse);
        var product = c.Needs(0) || c.Needs(1) ? c.Op("Mul", dy, normalized) : null;
        var scale = IsFilled(c, 1, 1) ? null : Shaped(c.Node.Inputs[1], c.InputShape(1), scaleDims);
        if (c.Needs(0))
        {
            // A factor that is one along the reduced axes can be applied behind the sums, on small tensors.
            var isConstant = scale is null || Array.TrueForAll(axes, a => At(scaleDims, a, dims.Length) == 1);
            var (g, slope) = isConstant ? (dy, product!) : (c.Op("Mul", dy, scale!), c.Op("Mul", product!, scale!));
            var along = c.Op("Add", c.Op("Mul", normalized, w.ReduceMean(slope, axes)), w.ReduceMean(g, axes));
            var factor = isConstant && scale is not null ? c.Op("Mul", inverse, scale) : inverse;
            c.Give(0, Shaped(c.Op("Mul", c.Op("Sub", g, along), factor), dims, c.InputShape(0)));
        }

        if (c.Needs(1))
        {
            c.Give(1, Shaped(w.Unbroadcast(product!, dims, scaleDims), scaleDims, c.InputShape(1)));
        }

        if (c.Needs(2))
        {
            c.Give(2, Shaped(w.Unbroadcast(dy, dims, scaleDims), scaleDims, c.InputShape(2)));
        }

        if (c.Type == ElementType.Float && c.Node.Outputs.Skip(1).All(o => o.Length == 0))
        {
            var scaled = scale is null ? normalized : c.Op("Mul", normalized, scale);
            var bias =
                c.Node.Input(2) is { } name && !IsFilled(c, 2, 0) ? Shaped(name, c.InputShape(2), scaleDims) : null;
            w.Replace(c.Node, Shaped(bias is null ? scaled : c.Op("Add", scaled, bias), dims, c.OutputShape));
        }

        string Shaped(string value, long[] from, long[] to) =>
            from.AsSpan().SequenceEqual(to) ? value : w.Reshape(value, to);
    }

    /// <summary>Whether an input is a constant of one number throughout.</summary>
    private static bool IsFilled(GradientContext c, int input, float number) =>
        c.Writer.Constant(c.Node.Input(input)) is { } constant && !constant.ToFloats().Span.ContainsAnyExcept(number);

    private static long At(long[] scaleDims, long axis, int rank)
    {
        var place = axis - (rank - scaleDims.Length);
        return place < 0 ? 1 : scaleDims[place];
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];

    private static long[] Axes(int first, int rank) => [.. Enumerable.Range(first, rank - first).Select(i => (long)i)];
}
