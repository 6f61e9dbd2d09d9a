namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>GELU, its approximations, and their forms with a bias that ONNX Runtime's optimiser writes.</summary>
internal static class GeluGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Gelu", c => Give(c, c.Node.Text("approximate", "none") == "none" ? Exact : ByTanh));
        rules.Add(GradientRuleTable.Microsoft, "Gelu", c => Give(c, Exact));
        rules.Add(GradientRuleTable.Microsoft, "BiasGelu", c => Give(c, Exact));
        rules.Add(GradientRuleTable.Microsoft, "FastGelu", c => Give(c, ByTanh));
        rules.Add(GradientRuleTable.Microsoft, "QuickGelu", c => Give(c, BySigmoid));
    }

    /// <summary>A second input is added to the first before the function.</summary>
    private static void Give(GradientContext c, Func<GradientContext, string, string> slope)
    {
        var x = c.Node.Inputs[0];
        var gradient = c.Op("Mul", c.Gradient, slope(c, c.Node.Input(1) is { } bias ? c.Op("Add", x, bias) : x));
        c.Give(0, gradient);
        c.GiveBroadcast(1, gradient);
    }

    /// <summary>Φ(x) + x·φ(x).</summary>
    private static string Exact(GradientContext c, string x)
    {
        var erf = c.Op("Erf", c.Op("Mul", x, c.Number(1 / Math.Sqrt(2))));
        var distribution = c.Op("Mul", c.Op("Add", erf, c.Number(1)), c.Number(0.5));
        var bell = c.Op("Exp", c.Op("Mul", c.Op("Mul", x, x), c.Number(-0.5)));
        var density = c.Op("Mul", bell, c.Number(1 / Math.Sqrt(2 * Math.PI)));
        return c.Op("Add", distribution, c.Op("Mul", x, density));
    }

    /// <summary>Of y = x/2 · (1 + tanh u) with u = √(2/π)·(x + 0.044715·x³).</summary>
    private static string ByTanh(GradientContext c, string x)
    {
        var root = Math.Sqrt(2 / Math.PI);
        var square = c.Op("Mul", x, x);
        var factor = c.Op("Add", c.Op("Mul", square, c.Number(0.044715 * root)), c.Number(root));
        var tanh = c.Op("Tanh", c.Op("Mul", x, factor));
        var inner = c.Op("Add", c.Op("Mul", square, c.Number(3 * 0.044715 * root)), c.Number(root));
        var falling = c.Op("Sub", c.Number(1), c.Op("Mul", tanh, tanh));
        var sum = c.Op("Add", c.Op("Add", tanh, c.Number(1)), c.Op("Mul", x, c.Op("Mul", falling, inner)));
        return c.Op("Mul", sum, c.Number(0.5));
    }

    /// <summary>Of y = x·σ(αx): σ + αx·σ·(1 − σ).</summary>
    private static string BySigmoid(GradientContext c, string x)
    {
        var scaled = c.Op("Mul", x, c.Number(c.Node.Float("alpha", 1.702f)));
        var sigmoid = c.Op("Sigmoid", scaled);
        var rest = c.Op("Mul", scaled, c.Op("Sub", c.Number(1), sigmoid));
        return c.Op("Mul", sigmoid, c.Op("Add", rest, c.Number(1)));
    }
}
