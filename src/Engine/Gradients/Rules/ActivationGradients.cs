namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Activation functions.</summary>
internal static class ActivationGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Sigmoid", Sigmoid);
        rules.Add("Tanh", Tanh);
        rules.Add("Relu", Relu);
        rules.Add("Erf", Erf);
        rules.Add("Softmax", Softmax);
    }

    private static void Sigmoid(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        c.Give(0, c.Op("Mul", c.Op("Mul", c.Gradient, y), c.Op("Sub", c.Number(1), y)));
    }

    private static void Tanh(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        c.Give(0, c.Op("Mul", c.Gradient, c.Op("Sub", c.Number(1), c.Op("Mul", y, y))));
    }

    private static void Relu(GradientContext c) =>
        c.Give(0, c.Op("Where", c.Op("Greater", c.Node.Inputs[0], c.Number(0)), c.Gradient, c.Number(0)));

    /// <summary>2/√π · exp(−x²).</summary>
    private static void Erf(GradientContext c)
    {
        var x = c.Node.Inputs[0];
        var slope = c.Op("Mul", c.Op("Exp", c.Op("Neg", c.Op("Mul", x, x))), c.Number(2 / Math.Sqrt(Math.PI)));
        c.Give(0, c.Op("Mul", c.Gradient, slope));
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
}
