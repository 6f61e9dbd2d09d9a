namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Smooth activation functions.</summary>
internal static class ActivationGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Sigmoid", Sigmoid);
        rules.Add("Tanh", Tanh);
        rules.Add("Erf", Erf);
        rules.Add("Softmax", Softmax);
        rules.Add("LogSoftmax", LogSoftmax);
        rules.Add("Softplus", c => c.GiveSlope(c.Op("Sigmoid", c.Node.Inputs[0])));
        rules.Add("Softsign", Softsign);
        rules.Add("Mish", Mish);
    }

    private static void Sigmoid(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        c.Give(0, c.Op("Mul", c.Op("Mul", c.Gradient, y), c.Op("Sub", c.Number(1), y)));
    }

    private static void Tanh(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        c.GiveSlope(c.Op("Sub", c.Number(1), c.Op("Mul", y, y)));
    }

    /// <summary>2/√π · exp(−x²).</summary>
    private static void Erf(GradientContext c)
    {
        var x = c.Node.Inputs[0];
        var slope = c.Op("Mul", c.Op("Exp", c.Op("Neg", c.Op("Mul", x, x))), c.Number(2 / Math.Sqrt(Math.PI)));
        c.GiveSlope(slope);
    }

    /// <summary>y · (g − Σ g·y) along the axis.</summary>
    private static void Softmax(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        var rank = c.OutputShape.Length;
        var axis = c.Node.Int("axis", -1);
        var product = c.Op("Mul", c.Gradient, y);
        var sum = c.Writer.ReduceSum(product, [axis < 0 ? axis + rank : axis]);
        c.Give(0, c.Op("Sub", product, c.Op("Mul", y, sum)));
    }

    /// <summary>g − softmax · Σ g along the axis.</summary>
    private static void LogSoftmax(GradientContext c)
    {
        var rank = c.OutputShape.Length;
        var axis = c.Node.Int("axis", -1);
        var sum = c.Writer.ReduceSum(c.Gradient, [axis < 0 ? axis + rank : axis]);
        c.Give(0, c.Op("Sub", c.Gradient, c.Op("Mul", c.Op("Exp", c.Node.Outputs[0]), sum)));
    }

    /// <summary>y = x · tanh(softplus x).</summary>
    private static void Mish(GradientContext c)
    {
        var x = c.Node.Inputs[0];
        var tanh = c.Op("Tanh", c.Op("Softplus", x));
        var falling = c.Op("Sub", c.Number(1), c.Op("Mul", tanh, tanh));
        var rest = c.Op("Mul", x, c.Op("Mul", falling, c.Op("Sigmoid", x)));
        c.GiveSlope(c.Op("Add", tanh, rest));
    }

    /// <summary>y = x/(1 + |x|): y' = (1 − |y|)².</summary>
    private static void Softsign(GradientContext c)
    {
        var rest = c.Op("Sub", c.Number(1), c.Op("Abs", c.Node.Outputs[0]));
        c.GiveSlope(c.Op("Mul", rest, rest));
    }
}
