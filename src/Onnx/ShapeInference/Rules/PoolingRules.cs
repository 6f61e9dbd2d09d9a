namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Pooling over windows and over whole images.</summary>
internal static class PoolingRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("AveragePool", Pool);
        rules.Add("LpPool", Pool);
        rules.Add("MaxPool", Pool);
        rules.Add("GlobalAveragePool", Global);
        rules.Add("GlobalMaxPool", Global);
        rules.Add("GlobalLpPool", Global);
    }

    private static void Pool(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        c.Set(1, ElementType.Int64, null);
        if (c.Shape(0) is not { Rank: > 2 } image)
        {
            return;
        }

        var spatial = SlidingWindow.Of(c.Node, []).Slide([.. image.Skip(2)]);
        c.Set(0, c.Type(0), [image[0], image[1], .. spatial]);
        c.Set(1, ElementType.Int64, [image[0], image[1], .. spatial]);
    }

    private static void Global(RuleContext c) =>
        c.Set(0, c.Type(0), c.Shape(0) is { } shape ? new(shape.Select((d, i) => i < 2 ? d : 1)) : null);
}
