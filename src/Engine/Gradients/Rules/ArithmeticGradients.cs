namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Arithmetic on elements, with broadcasting.</summary>
internal static class ArithmeticGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Add", c => Both(c, c.Gradient, c.Gradient));
        rules.Add("Sub", Sub);
        rules.Add("Mul", Mul);
        rules.Add("Div", Div);
        rules.Add("Pow", Pow);
        rules.Add("Neg", c => c.Give(0, c.Op("Neg", c.Gradient)));
        rules.Add("Sum", Sum);
        rules.Add("Mean", Mean);
        rules.Add("Min", c => Extreme(c));
        rules.Add("Max", c => Extreme(c));
        rules.Add("Abs", c => c.GiveSlope(c.Op("Sign", c.Node.Inputs[0])));
        rules.Add("Exp", c => c.GiveSlope(c.Node.Outputs[0]));
        rules.Add("Log", c => c.Give(0, c.Op("Div", c.Gradient, c.Node.Inputs[0])));
        rules.Add("Sqrt", c => c.Give(0, c.Op("Div", c.Op("Mul", c.Gradient, c.Number(0.5)), c.Node.Outputs[0])));
        rules.Add("Reciprocal", Reciprocal);
        rules.Add("Where", Where);
        rules.Add("Clip", Clip);
    }

    private static void Both(GradientContext c, string left, string right)
    {
        c.GiveBroadcast(0, left);
        c.GiveBroadcast(1, right);
    }

    private static void Sub(GradientContext c)
    {
        c.GiveBroadcast(0, c.Gradient);
        if (c.Needs(1))
        {
            // The sum first: the negative of a small tensor is cheaper.
            c.Give(1, c.Op("Neg", c.Writer.Unbroadcast(c.Gradient, c.OutputShape, c.InputShape(1))));
        }
    }

    private static void Mul(GradientContext c)
    {
        if (SiluGradient.TryGive(c))
        {
            return;
        }

        if (c.Needs(0))
        {
            c.GiveBroadcast(0, c.Op("Mul", c.Gradient, c.Node.Inputs[1]));
        }

        if (c.Needs(1))
        {
            c.GiveBroadcast(1, c.Op("Mul", c.Gradient, c.Node.Inputs[0]));
        }
    }

    private static void Div(GradientContext c)
    {
        if (c.Needs(0))
        {
            c.GiveBroadcast(0, c.Op("Div", c.Gradient, c.Node.Inputs[1]));
        }

        if (c.Needs(1))
        {
            // −g·(a/b)/b; divided behind the sum, where the tensor may be small.
            var sum = c.Writer.Unbroadcast(c.Op("Mul", c.Gradient, c.Node.Outputs[0]), c.OutputShape, c.InputShape(1));
            c.Give(1, c.Op("Neg", c.Op("Div", sum, c.Node.Inputs[1])));
        }
    }

    private static void Pow(GradientContext c)
    {
        var (x, y) = (c.Node.Inputs[0], c.Node.Inputs[1]);
        if (c.Needs(0))
        {
            var type = c.Writer.TypeOf(y);
            var exponent = c.Writer.Cast(y, type, c.Type);
            var slope = c.Op("Mul", exponent, c.Op("Pow", x, c.Op("Sub", exponent, c.Number(1))));
            c.GiveBroadcast(0, c.Op("Mul", c.Gradient, slope));
        }

        if (c.Needs(1))
        {
            // 0^y is constant in y > 0, though its logarithm is not finite.
            var isPositive = c.Op("Greater", x, c.Number(0));
            var logarithm = c.Op(
                "Where",
                isPositive,
                c.Op("Log", c.Op("Where", isPositive, x, c.Number(1))),
                c.Number(0)
            );
            c.GiveBroadcast(1, c.Op("Mul", c.Op("Mul", c.Gradient, c.Node.Outputs[0]), logarithm));
        }
    }

    private static void Sum(GradientContext c)
    {
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            c.GiveBroadcast(i, c.Gradient);
        }
    }

    private static void Mean(GradientContext c)
    {
        var share = c.Op("Mul", c.Gradient, c.Number(1.0 / c.Node.Inputs.Count));
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            c.GiveBroadcast(i, share);
        }
    }

    /// <summary>The gradient goes to the first of the inputs that has the extreme value.</summary>
    private static void Extreme(GradientContext c)
    {
        var rest = c.Gradient;
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            var isExtreme = c.Op("Equal", c.Node.Inputs[i], c.Node.Outputs[0]);
            if (c.Needs(i))
            {
                c.GiveBroadcast(i, c.Op("Where", isExtreme, rest, c.Number(0)));
            }

            if (i < c.Node.Inputs.Count - 1)
            {
                rest = c.Op("Where", isExtreme, c.Number(0), rest);
            }
        }
    }

    private static void Reciprocal(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        c.Give(0, c.Op("Neg", c.Op("Mul", c.Gradient, c.Op("Mul", y, y))));
    }

    private static void Where(GradientContext c)
    {
        var condition = c.Node.Inputs[0];
        if (c.Needs(1))
        {
            c.GiveBroadcast(1, c.Op("Where", condition, c.Gradient, c.Number(0)));
        }

        if (c.Needs(2))
        {
            c.GiveBroadcast(2, c.Op("Where", condition, c.Number(0), c.Gradient));
        }
    }

    /// <summary>1 inside the bounds, 0 outside; a learned bound gets what it cuts off.</summary>
    private static void Clip(GradientContext c)
    {
        var (x, y) = (c.Node.Inputs[0], c.Node.Outputs[0]);
        var isInside = c.Op("Equal", x, y);
        if (c.Needs(0))
        {
            c.Give(0, c.Op("Where", isInside, c.Gradient, c.Number(0)));
        }

        for (var bound = 1; bound <= 2; bound++)
        {
            if (c.Needs(bound))
            {
                var isCut = bound == 1 ? c.Op("Less", x, y) : c.Op("Greater", x, y);
                var cut = c.Op("Where", isCut, c.Gradient, c.Number(0));
                c.Give(bound, c.Writer.Unbroadcast(cut, c.OutputShape, c.InputShape(bound)));
            }
        }
    }
}
