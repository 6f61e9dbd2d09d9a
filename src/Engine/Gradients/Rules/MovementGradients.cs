using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Operators that pass elements on in their order, join or cut.</summary>
internal static class MovementGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Identity", c => c.Give(0, c.Gradient));
        foreach (var opType in (string[])["Reshape", "Squeeze", "Unsqueeze", "Flatten"])
        {
            rules.Add(opType, Restore);
        }

        rules.Add("Cast", Cast);
        rules.Add("Concat", Concat);
        rules.Add("Split", Split);
        rules.Add("Dropout", Dropout);
    }

    private static void Restore(GradientContext c)
    {
        if (c.Needs(0))
        {
            c.Give(0, c.Writer.Reshape(c.Gradient, c.InputShape(0)));
        }
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

    /// <summary>In inference it passes its input on.</summary>
    private static void Dropout(GradientContext c)
    {
        if (c.Node.Input(2) is { } training && c.Writer.Constant(training)?.ToInt64s() is not [0])
        {
            throw c.Unsupported("training");
        }

        c.Give(0, c.Gradient);
    }
}
