namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Normalisations: the output is shaped as the input; some give statistics besides.</summary>
internal static class NormalizationRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("InstanceNormalization", c => c.SetLike(0, 0));
        rules.Add("GroupNormalization", c => c.SetLike(0, 0));
        rules.Add("RMSNormalization", c => c.SetLike(0, 0));
        rules.Add("BatchNormalization", Batch);
        rules.Add("LayerNormalization", Layer);
        rules.Add("SimplifiedLayerNormalization", Layer);
    }

    /// <summary>Outputs besides the first have the sizes of the running mean and variance.</summary>
    private static void Batch(RuleContext c)
    {
        c.SetLike(0, 0);
        for (var i = 1; i < c.Node.Outputs.Count; i++)
        {
            c.SetLike(i, 3);
        }
    }

    private static void Layer(RuleContext c)
    {
        c.SetLike(0, 0);
        var type = c.TypeOf("stash_type", ElementType.Float);
        TensorShape? statistics = null;
        if (c.Shape(0) is { } shape)
        {
            var axis = ShapeArithmetic.Axis(c.Node.Int("axis", -1), shape.Rank);
            statistics = new(shape.Select((d, i) => i < axis ? d : 1));
        }

        c.Set(1, type, statistics);
        c.Set(2, type, statistics);
    }
}
