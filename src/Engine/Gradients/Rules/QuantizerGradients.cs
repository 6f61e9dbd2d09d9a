using DiffusionQuant.Onnx;

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

        // A product with 1 or 0: ONNX Runtime's Where is ten times as slow, and on one thread.
        var isInside = c.Op("Equal", FakeQuantization.Rounded(node), code);
        var inside = c.Writer.Cast(isInside, ElementType.Bool, c.Type);
        if (c.Needs(0))
        {
            c.Give(0, c.Op("Mul", c.Gradient, inside));
        }

        if (c.Needs(1))
        {
            var slope = c.Op("Sub", code, c.Op("Mul", FakeQuantization.Ratio(node), inside));
            var sum = c.Writer.Unbroadcast(c.Op("Mul", c.Gradient, slope), c.OutputShape, c.InputShape(1));
            var scale = node.Float(FakeQuantization.GradientScaleAttribute, 1);
            c.Give(1, scale == 1 ? sum : c.Op("Mul", sum, c.Number(scale)));
        }

        if (c.Needs(2))
        {
            var outside = c.Op("Sub", c.Op("Mul", c.Gradient, inside), c.Gradient);
            c.GiveBroadcast(2, c.Op("Mul", outside, node.Inputs[1]));
        }
    }
}
