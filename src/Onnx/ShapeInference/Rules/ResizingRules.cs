namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Resize and Upsample.</summary>
internal static class ResizingRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Resize", Resize);
        rules.Add("Upsample", c => Scale(c, c.Elements(1) ?? FromAttribute(c)));
        rules.Add("GridSample", Sample);
    }

    private static Term[]? FromAttribute(RuleContext c) =>
        c.Node.Attributes.GetValueOrDefault("scales") is AttributeValue.Floats f
            ? [.. f.Values.Select(v => (Term)v)]
            : null;

    private static void Resize(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        // Files write an empty tensor as well as no input at all for the one that does not count.
        if (c.Has(3) && c.Shape(3) is not [{ Value: 0 }])
        {
            ToSizes(c, shape);
        }
        else
        {
            Scale(c, c.Elements(2));
        }
    }

    private static int[]? Axes(RuleContext c, TensorShape shape, int count)
    {
        int[] axes = c.Node.Ints("axes") is { } given
            ? [.. given.Select(a => ShapeArithmetic.Axis(a, shape.Rank))]
            : [.. Enumerable.Range(0, shape.Rank)];
        return axes.Length == count ? axes : null;
    }

    private static void Scale(RuleContext c, IReadOnlyList<Term>? scales)
    {
        c.Set(0, c.Type(0), c.Shape(0) is { } s ? ShapeArithmetic.OfRank(s.Rank) : null);
        if (c.Shape(0) is not { } shape || scales is null || Axes(c, shape, scales.Count) is not { } axes)
        {
            return;
        }

        var result = shape;
        for (var i = 0; i < axes.Length; i++)
        {
            var factor = scales[i].Number;
            var old = shape[axes[i]];
            result = result.With(
                axes[i],
                factor == 1 ? old
                    : factor >= 0 && old.Value is { } size ? ((Term)Math.Floor(size * factor.Value)).Dimension
                    : Dimension.Unknown
            );
        }

        c.Set(0, c.Type(0), result);
    }

    private static void ToSizes(RuleContext c, TensorShape shape)
    {
        c.Set(0, c.Type(0), ShapeArithmetic.OfRank(shape.Rank));
        if (ReshapingRules.Target(c, 3) is not { } sizes || Axes(c, shape, sizes.Length) is not { } axes)
        {
            return;
        }

        var policy = c.Node.Text("keep_aspect_ratio_policy", "stretch");
        double? common = null;
        if (policy != "stretch")
        {
            var factors = axes.Select((a, i) => sizes[i].Number / shape[a].Value).ToArray();
            if (factors.Length == 0 || factors.Any(f => f is null))
            {
                return;
            }

            common = policy == "not_larger" ? factors.Min() : factors.Max();
        }

        var result = shape;
        for (var i = 0; i < axes.Length; i++)
        {
            result = result.With(
                axes[i],
                common is { } f
                    ? ((Term)Math.Round(f * shape[axes[i]].Value!.Value, MidpointRounding.AwayFromZero)).Dimension
                    : sizes[i].Dimension
            );
        }

        c.Set(0, c.Type(0), result);
    }

    /// <summary>Image [N,C,H,W] at grid [N,H',W',2], in any number of spatial dimensions.</summary>
    private static void Sample(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is { Rank: > 2 } image && c.Shape(1) is { } grid && grid.Rank == image.Rank)
        {
            c.Set(0, c.Type(0), [image[0], image[1], .. grid.Skip(1).SkipLast(1)]);
        }
    }
}
