namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Normalisations by mean and variance.</summary>
internal static class NormalizationGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("InstanceNormalization", InstanceNormalization);
        rules.Add("GroupNormalization", GroupNormalization);
        rules.Add("BatchNormalization", BatchNormalization);
        rules.Add("LayerNormalization", c => Layer(c, isCentred: true));
        rules.Add("RMSNormalization", c => Layer(c, isCentred: false));
        rules.Add("SimplifiedLayerNormalization", c => Layer(c, isCentred: false));
        rules.Add(GradientRuleTable.Microsoft, "SkipLayerNormalization", c => Skip(c, isCentred: true));
        rules.Add(GradientRuleTable.Microsoft, "SkipSimplifiedLayerNormalization", c => Skip(c, isCentred: false));
    }

    private static void InstanceNormalization(GradientContext c)
    {
        var dims = c.InputShape(0);
        var perChannel = PerChannel(dims);
        Give(c, new(c, dims, Axes(2, dims.Length), perChannel));
    }

    private static void Layer(GradientContext c, bool isCentred)
    {
        RefuseStatistics(c, c.Node.Outputs.Count);
        var dims = c.InputShape(0);
        var axis = c.Node.Int("axis", -1);
        axis = axis < 0 ? axis + dims.Length : axis;
        var axes = Axes((int)axis, dims.Length);
        Give(c, new(c, dims, axes, c.InputShape(1)) { IsCentred = isCentred, Bias = isCentred ? 2 : null });
    }

    private static void GroupNormalization(GradientContext c)
    {
        var dims = c.InputShape(0);
        var groups = c.Node.Int("num_groups");
        long[] grouped = [dims[0], groups, dims[1] / groups, .. dims[2..]];
        var perChannel = PerChannel(grouped);
        // Up to opset 20 there is one factor for each group, from 21 on one for each channel.
        perChannel[2] = c.InputShape(1)[0] == groups && c.Writer.Opset < 21 ? 1 : dims[1] / groups;
        Give(c, new(c, grouped, Axes(2, grouped.Length), perChannel));
    }

    private static void Give(GradientContext c, NormalizationGradient gradient) =>
        c.Give(0, gradient.Give(c.Node.Inputs[0]));

    /// <summary>A layer normalisation of a sum, which is itself the fourth output.</summary>
    private static void Skip(GradientContext c, bool isCentred)
    {
        RefuseStatistics(c, Math.Min(c.Node.Outputs.Count, 3));
        var bias = isCentred ? 4 : 3;
        var sum = c.Op("Add", c.Node.Inputs[0], c.Node.Inputs[1]);
        sum = c.Node.Input(bias) is { } name ? c.Op("Add", sum, name) : sum;
        var normalization = new NormalizationGradient(
            c,
            c.OutputShape,
            Axes(c.OutputShape.Length - 1, c.OutputShape.Length),
            c.InputShape(2)
        )
        {
            Scale = 2,
            Bias = isCentred ? 3 : null,
            IsCentred = isCentred,
            Epsilon = 1e-12f,
        };
        var total = c.GradientOf(0) is null ? null : normalization.Give(sum);
        if (c.Node.Outputs.Count > 3 && c.GradientOf(3) is { } direct)
        {
            total = total is null ? direct : c.Op("Add", total, direct);
        }

        foreach (var input in new[] { 0, 1, bias })
        {
            c.GiveBroadcast(input, total!);
        }
    }

    /// <summary>In inference: mean and variance are inputs.</summary>
    private static void BatchNormalization(GradientContext c)
    {
        if (c.Node.Int("training_mode") != 0)
        {
            throw c.Unsupported("training");
        }

        var w = c.Writer;
        var perChannel = PerChannel(c.InputShape(0));
        string Channels(int input) => w.Reshape(c.Node.Inputs[input], perChannel);
        var deviation = c.Op("Sqrt", c.Op("Add", Channels(4), c.Number(c.Node.Float("epsilon", 1e-5f))));
        var factor = c.Op("Div", Channels(1), deviation);
        c.Give(0, c.Op("Mul", c.Gradient, factor));
        if (!Enumerable.Range(1, 4).Any(c.Needs))
        {
            return;
        }

        var normalized = c.Op("Div", c.Op("Sub", c.Node.Inputs[0], Channels(3)), deviation);
        var sum = Summed(c.Gradient);
        var product = Summed(c.Op("Mul", c.Gradient, normalized));
        GiveFlat(1, product);
        GiveFlat(2, sum);
        GiveFlat(3, c.Op("Neg", c.Op("Mul", sum, factor)));
        // x̂ falls by x̂/2 for each unit that the logarithm of the variance rises.
        GiveFlat(4, c.Op("Div", c.Op("Mul", c.Op("Mul", product, factor), c.Number(-0.5)), deviation));

        string Summed(string value) => w.Unbroadcast(value, c.InputShape(0), perChannel);

        void GiveFlat(int input, string gradient)
        {
            if (c.Needs(input))
            {
                c.Give(input, w.Reshape(gradient, c.InputShape(input)));
            }
        }
    }

    private static void RefuseStatistics(GradientContext c, int outputs)
    {
        if (Enumerable.Range(1, outputs - 1).Any(i => c.GradientOf(i) is not null))
        {
            throw c.Unsupported("gradients of its mean and deviation");
        }
    }

    private static long[] PerChannel(long[] dims) => [.. dims.Select((d, i) => i == 1 ? d : 1)];

    private static long[] Axes(int first, int rank) => [.. Enumerable.Range(first, rank - first).Select(i => (long)i)];
}
