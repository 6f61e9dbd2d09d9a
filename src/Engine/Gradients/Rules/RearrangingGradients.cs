namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Operators that permute, repeat or mask elements.</summary>
internal static class RearrangingGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Transpose", Transpose);
        rules.Add("DepthToSpace", DepthToSpace);
        rules.Add("SpaceToDepth", SpaceToDepth);
        rules.Add("Tile", Tile);
        rules.Add("Expand", c => c.GiveBroadcast(0, c.Gradient));
        rules.Add("Trilu", Trilu);
        rules.Add("CumSum", CumulativeSum);
    }

    private static void Transpose(GradientContext c)
    {
        var rank = c.OutputShape.Length;
        var perm = c.Node.Ints("perm")?.ToArray() ?? [.. Enumerable.Range(0, rank).Reverse().Select(i => (long)i)];
        var inverse = new long[rank];
        for (var i = 0; i < rank; i++)
        {
            inverse[perm[i]] = i;
        }

        c.Give(0, c.Writer.Transpose(c.Gradient, inverse));
    }

    private static void DepthToSpace(GradientContext c)
    {
        var (w, block) = (c.Writer, c.Node.Int("blocksize"));
        if (c.Node.Text("mode", "DCR") == "DCR")
        {
            c.Give(0, w.Op("SpaceToDepth", [c.Gradient], ("blocksize", block)));
            return;
        }

        // The other order of channels, to which no operator leads back: [N, C, h, b, w, b] as [N, C, b, b, h, w].
        var dims = c.InputShape(0);
        var split = w.Reshape(c.Gradient, dims[0], dims[1] / (block * block), dims[2], block, dims[3], block);
        c.Give(0, w.Reshape(w.Transpose(split, 0, 1, 3, 5, 2, 4), dims));
    }

    private static void SpaceToDepth(GradientContext c) =>
        c.Give(0, c.Writer.Op("DepthToSpace", [c.Gradient], ("blocksize", c.Node.Int("blocksize"))));

    /// <summary>The sum over the copies, each of which is an axis before that of the elements.</summary>
    private static void Tile(GradientContext c)
    {
        var (from, to) = (c.InputShape(0), c.OutputShape);
        var split = c.Writer.Reshape(c.Gradient, [.. from.SelectMany((d, i) => new[] { to[i] / d, d })]);
        var copies = Enumerable.Range(0, from.Length).Select(i => 2L * i);
        c.Give(0, c.Writer.ReduceSum(split, [.. copies], keepDimensions: false));
    }

    private static void Trilu(GradientContext c)
    {
        string[] inputs = [c.Gradient, .. c.Node.Inputs.Skip(1)];
        c.Give(0, c.Writer.Op("Trilu", inputs, ("upper", c.Node.Int("upper", 1))));
    }

    /// <summary>Each element is in the sums on its one side: the sum from the other end.</summary>
    private static void CumulativeSum(GradientContext c) =>
        c.Give(
            0,
            c.Writer.Op(
                "CumSum",
                [c.Gradient, c.Node.Inputs[1]],
                ("exclusive", c.Node.Int("exclusive")),
                ("reverse", 1 - c.Node.Int("reverse"))
            )
        );
}
