using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Operators that move, repeat, join or cut elements.</summary>
internal static class MovementGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Identity", c => c.Give(0, c.Gradient));
        foreach (var opType in (string[])["Reshape", "Squeeze", "Unsqueeze", "Flatten"])
        {
            rules.Add(opType, Restore);
        }

        rules.Add("Transpose", Transpose);
        rules.Add("Expand", c => c.GiveBroadcast(0, c.Gradient));
        rules.Add("Cast", Cast);
        rules.Add("Concat", Concat);
        rules.Add("Split", Split);
        rules.Add("Pad", Pad);
    }

    private static void Restore(GradientContext c)
    {
        if (c.Needs(0))
        {
            c.Give(0, c.Writer.Reshape(c.Gradient, c.InputShape(0)));
        }
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

    private static void Cast(GradientContext c)
    {
        var from = c.Writer.TypeOf(c.Node.Inputs[0]);
        if (from.IsFloatingPoint())
        {
            c.Give(0, c.Writer.Cast(c.Gradient, c.Type, from));
        }
    }

    private static void Concat(GradientContext c)
    {
        var axis = c.Node.Int("axis");
        axis = axis < 0 ? axis + c.OutputShape.Length : axis;
        var start = 0L;
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            var size = c.InputShape(i)[axis];
            if (c.Needs(i))
            {
                c.Give(i, c.Writer.Slice(c.Gradient, axis, start, start + size));
            }

            start += size;
        }
    }

    private static void Split(GradientContext c)
    {
        var parts = c.Node.Outputs.Select((o, i) => c.GradientOf(i) ?? c.Writer.Filled(0, c.Writer.ShapeOf(o), c.Type));
        c.Give(0, c.Writer.Op("Concat", [.. parts], ("axis", c.Node.Int("axis"))));
    }

    private static void Pad(GradientContext c)
    {
        if (c.Node.Text("mode", "constant") != "constant" || c.Node.Input(3) is not null)
        {
            throw c.Unsupported("its mode or axes");
        }

        var pads =
            c.Writer.Constant(c.Node.Input(1))?.ToInt64s()
            ?? throw c.Unsupported("sizes that are computed at run time");
        c.Give(0, c.Writer.Pad(c.Gradient, Array.ConvertAll(pads, p => -p)));
    }
}
