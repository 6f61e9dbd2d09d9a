namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>The simulation's own operators.</summary>
internal static class QuantizerGradients
{
    public static void AddTo(GradientRuleTable rules) =>
        rules.Add(QuantizerOperators.Domain, QuantizerOperators.FakeQuantize, FakeQuantize);

    private static void FakeQuantize(GradientContext c)
    {
        var node = c.Node;
        var code = FakeQuantization.Code(node);
        var isInside = c.Op("Equal", FakeQuantization.Rounded(node), code);
        if (c.Needs(0))
        {
            c.Give(0, c.Op("Where", isInside, c.Gradient, c.Number(0)));
        }

        if (c.Needs(1))
        {
            var slope = c.Op("Sub", code, c.Op("Where", isInside, FakeQuantization.Ratio(node), c.Number(0)));
            var sum = c.Writer.Unbroadcast(c.Op("Mul", c.Gradient, slope), c.OutputShape, c.InputShape(1));
            var scale = node.Float(FakeQuantization.GradientScaleAttribute, 1);
            c.Give(1, scale == 1 ? sum : c.Op("Mul", sum, c.Number(scale)));
        }
    }
}
