namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Activation functions with a bend.</summary>
internal static class PiecewiseGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Relu", c => Give(c, c.Number(0)));
        rules.Add("LeakyRelu", c => Give(c, Times(c, c.Number(c.Node.Float("alpha", 0.01f)))));
        // Below zero y = α·(eˣ − 1), whose derivative is y + α.
        rules.Add("Elu", c => Give(c, Times(c, Raised(c, c.Node.Float("alpha", 1)))));
        rules.Add("Selu", Selu);
        // y = α·(e^(x/α) − 1).
        rules.Add("Celu", c => Give(c, Times(c, Raised(c, 1, 1.0 / c.Node.Float("alpha", 1)))));
        rules.Add("PRelu", PRelu);
        rules.Add("ThresholdedRelu", c => Give(c, c.Number(0), c.Node.Float("alpha", 1)));
        rules.Add("HardSigmoid", HardSigmoid);
        rules.Add("HardSwish", HardSwish);
    }

    /// <summary>The gradient itself above a threshold, and another one below.</summary>
    private static void Give(GradientContext c, string below, double threshold = 0) =>
        c.Give(0, c.Op("Where", IsAbove(c, threshold), c.Gradient, below));

    private static string IsAbove(GradientContext c, double threshold) =>
        c.Op("Greater", c.Node.Inputs[0], c.Number(threshold));

    private static string Times(GradientContext c, string slope) => c.Op("Mul", c.Gradient, slope);

    /// <summary>y·factor + summand.</summary>
    private static string Raised(GradientContext c, double summand, double factor = 1)
    {
        var y = c.Node.Outputs[0];
        return c.Op("Add", factor == 1 ? y : c.Op("Mul", y, c.Number(factor)), c.Number(summand));
    }

    /// <summary>γ·x above zero, γ·α·(eˣ − 1) below.</summary>
    private static void Selu(GradientContext c)
    {
        double gamma = c.Node.Float("gamma", 1.05070098f);
        var below = Raised(c, gamma * c.Node.Float("alpha", 1.67326319f));
        c.GiveSlope(c.Op("Where", IsAbove(c, 0), c.Number(gamma), below));
    }

    private static void PRelu(GradientContext c)
    {
        var isAbove = IsAbove(c, 0);
        if (c.Needs(0))
        {
            c.Give(0, c.Op("Where", isAbove, c.Gradient, Times(c, c.Node.Inputs[1])));
        }

        if (c.Needs(1))
        {
            c.GiveBroadcast(1, c.Op("Where", isAbove, c.Number(0), Times(c, c.Node.Inputs[0])));
        }
    }

    private static void HardSigmoid(GradientContext c)
    {
        var y = c.Node.Outputs[0];
        var isInside = c.Op("And", c.Op("Greater", y, c.Number(0)), c.Op("Less", y, c.Number(1)));
        c.Give(0, c.Op("Where", isInside, Times(c, c.Number(c.Node.Float("alpha", 0.2f))), c.Number(0)));
    }

    /// <summary>x·clip(x/6 + 1/2, 0, 1): x/3 + 1/2 from −3 to 3, and 0 or 1 outside.</summary>
    private static void HardSwish(GradientContext c)
    {
        var inner = c.Op("Add", c.Op("Mul", c.Node.Inputs[0], c.Number(1.0 / 3)), c.Number(0.5));
        var upper = c.Op("Where", IsAbove(c, 3), c.Number(1), inner);
        c.GiveSlope(c.Op("Where", IsAbove(c, -3), upper, c.Number(0)));
    }
}
