namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Circular and hyperbolic functions and their inverses.</summary>
internal static class TrigonometricGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Sin", c => c.GiveSlope(c.Op("Cos", X(c))));
        rules.Add("Cos", c => c.GiveSlope(c.Op("Neg", c.Op("Sin", X(c)))));
        rules.Add("Tan", c => c.GiveSlope(c.Op("Add", Square(c, c.Node.Outputs[0]), c.Number(1))));
        rules.Add("Asin", c => c.Give(0, c.Op("Div", c.Gradient, Root(c, c.Op("Sub", c.Number(1), Square(c, X(c)))))));
        rules.Add("Acos", Acos);
        rules.Add("Atan", c => c.Give(0, c.Op("Div", c.Gradient, c.Op("Add", Square(c, X(c)), c.Number(1)))));
        rules.Add("Sinh", c => c.GiveSlope(c.Op("Cosh", X(c))));
        rules.Add("Cosh", c => c.GiveSlope(c.Op("Sinh", X(c))));
        rules.Add("Asinh", c => c.Give(0, c.Op("Div", c.Gradient, Root(c, c.Op("Add", Square(c, X(c)), c.Number(1))))));
        rules.Add("Acosh", c => c.Give(0, c.Op("Div", c.Gradient, Root(c, c.Op("Sub", Square(c, X(c)), c.Number(1))))));
        rules.Add("Atanh", c => c.Give(0, c.Op("Div", c.Gradient, c.Op("Sub", c.Number(1), Square(c, X(c))))));
    }

    private static void Acos(GradientContext c)
    {
        var root = Root(c, c.Op("Sub", c.Number(1), Square(c, X(c))));
        c.Give(0, c.Op("Neg", c.Op("Div", c.Gradient, root)));
    }

    private static string X(GradientContext c) => c.Node.Inputs[0];

    private static string Square(GradientContext c, string value) => c.Op("Mul", value, value);

    private static string Root(GradientContext c, string value) => c.Op("Sqrt", value);
}
