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
        rules.Add("LogSoftmax", LogSoftmax);
        rules.Add("Softplus", c => c.Give(0, c.Op("Mul", c.Gradient, c.Op("Sigmoid", c.Node.Inputs[0]))));
        rules.Add("LeakyRelu", LeakyRelu);
        rules.Add("Elu", Elu);
        rules.Add("Gelu", Gelu);
        rules.Add("Mish", Mish);
        rules.Add("HardSigmoid", HardSigmoid);
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

    /// <summary>g − softmax · Σ g along the axis.</summary>
    private static void LogSoftmax(GradientContext c)
    {
        var rank = c.OutputShape.Length;
        var axis = c.Node.Int("axis", -1);
        var sum = c.Writer.ReduceSum(c.Gradient, [axis < 0 ? axis + rank : axis]);
        c.Give(0, c.Op("Sub", c.Gradient, c.Op("Mul", c.Op("Exp", c.Node.Outputs[0]), sum)));
    }

    private static void LeakyRelu(GradientContext c)
    {
        var below = c.Op("Mul", c.Gradient, c.Number(c.Node.Float("alpha", 0.01f)));
        c.Give(0, c.Op("Where", c.Op("Greater", c.Node.Inputs[0], c.Number(0)), c.Gradient, below));
    }

    /// <summary>Below zero y = α·(eˣ − 1), whose derivative is y + α.</summary>
    private static void Elu(GradientContext c)
    {
        var slope = c.Op("Add", c.Node.Outputs[0], c.Number(c.Node.Float("alpha", 1)));
        var below = c.Op("Mul", c.Gradient, slope);
        c.Give(0, c.Op("Where", c.Op("Greater", c.Node.Inputs[0], c.Number(0)), c.Gradient, below));
    }

    /// <summary>Φ(x) + x·φ(x), or the derivative of its approximation by tanh.</summary>
    private static void Gelu(GradientContext c)
    {
        var x = c.Node.Inputs[0];
        var square = c.Op("Mul", x, x);
        if (c.Node.Text("approximate", "none") == "none")
        {
            var erf = c.Op("Erf", c.Op("Mul", x, c.Number(1 / Math.Sqrt(2))));
            var distribution = c.Op("Mul", c.Op("Add", erf, c.Number(1)), c.Number(0.5));
            var bell = c.Op("Exp", c.Op("Mul", square, c.Number(-0.5)));
            var density = c.Op("Mul", bell, c.Number(1 / Math.Sqrt(2 * Math.PI)));
            c.Give(0, c.Op("Mul", c.Gradient, c.Op("Add", distribution, c.Op("Mul", x, density))));
            return;
        }

        // y = x/2 · (1 + tanh u) with u = √(2/π)·(x + 0.044715·x³).
        var root = Math.Sqrt(2 / Math.PI);
        var factor = c.Op("Add", c.Op("Mul", square, c.Number(0.044715 * root)), c.Number(root));
        var tanh = c.Op("Tanh", c.Op("Mul", x, factor));
        var inner = c.Op("Add", c.Op("Mul", square, c.Number(3 * 0.044715 * root)), c.Number(root));
        var falling = c.Op("Sub", c.Number(1), c.Op("Mul", tanh, tanh));
        var sum = c.Op("Add", c.Op("Add", tanh, c.Number(1)), c.Op("Mul", x, c.Op("Mul", falling, inner)));
        c.Give(0, c.Op("Mul", c.Gradient, c.Op("Mul", sum, c.Number(0.5))));
    }

    /// <summary>y = x · tanh(softplus x).</summary>
    private static void Mish(GradientContext c)
    {
        var x = c.Node.Inputs[0];
        var tanh = c.Op("Tanh", c.Op("Softplus", x));
        var falling = c.Op("Sub", c.Number(1), c.Op("Mul", tanh, tanh));
        var rest = c.Op("Mul", x, c.Op("Mul", falling, c.Op("Sigmoid", x)));
        c.Give(0, c.Op("Mul", c.Gradient, c.Op("Add", tanh, rest)));
    }

    private static void HardSigmoid(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        var isInside = c.Op("And", c.Op("Greater", y, c.Number(0)), c.Op("Less", y, c.Number(1)));
        var slope = c.Op("Mul", c.Gradient, c.Number(c.Node.Float("alpha", 0.2f)));
        c.Give(0, c.Op("Where", isInside, slope, c.Number(0)));
    }
}
