namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Those operators of ONNX Runtime's own domain that belong to no other family here.</summary>
internal static class MicrosoftRules
{
    public static void AddTo(RuleTable rules)
    {
        foreach (
            var opType in (string[])
                [
                    "BiasAdd",
                    "BiasGelu",
                    "BiasSoftmax",
                    "FastGelu",
                    "Gelu",
                    "GroupNorm",
                    "QuickGelu",
                    "BiasDropout",
                    "BitmaskDropout",
                ]
        )
        {
            rules.AddMicrosoft(opType, c => c.SetLike(0, 0));
        }

        rules.AddMicrosoft("BiasSplitGelu", Halve);
        rules.AddMicrosoft("SkipGroupNorm", WithSum);
        rules.AddMicrosoft("SkipLayerNormalization", SkipLayerNorm);
        rules.AddMicrosoft("SkipSimplifiedLayerNormalization", SkipLayerNorm);
        rules.AddMicrosoft("EmbedLayerNormalization", EmbedLayerNorm);
    }

    /// <summary>One half of the last dimension gates the other.</summary>
    private static void Halve(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is { Rank: > 0 } shape)
        {
            c.Set(0, c.Type(0), shape.With(shape.Rank - 1, ShapeArithmetic.Quotient(shape[^1], 2)));
        }
    }

    private static void WithSum(RuleContext c)
    {
        c.SetLike(0, 0);
        c.SetLike(1, 0);
    }

    private static void SkipLayerNorm(RuleContext c)
    {
        c.SetLike(0, 0);
        TensorShape? statistics = c.Shape(0) is { Rank: > 0 } s ? s.With(s.Rank - 1, 1) : null;
        c.Set(1, ElementType.Float, statistics);
        c.Set(2, ElementType.Float, statistics);
        c.SetLike(3, 0);
    }

    /// <summary>Word ids [B,S] and a table [V,D] give [B,S,D].</summary>
    private static void EmbedLayerNorm(RuleContext c)
    {
        c.Set(0, c.Type(2), null);
        if (c.Shape(0) is { Rank: 2 } ids && c.Shape(2) is { Rank: 2 } table)
        {
            c.Set(0, c.Type(2), [ids[0], ids[1], table[1]]);
            c.Set(1, ElementType.Int32, [ids[0]]);
        }
    }
}
