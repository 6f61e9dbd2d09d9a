namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Convolutions and what slides a window the same way.</summary>
internal static class ConvolutionRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Conv", c => Convolve(c, c.Type(0), 0, 1));
        rules.Add("ConvInteger", c => Convolve(c, ElementType.Int32, 0, 1));
        rules.Add("QLinearConv", c => Convolve(c, c.Type(7), 0, 3));
        rules.Add("ConvTranspose", Transposed);
        rules.AddMicrosoft("FusedConv", c => Convolve(c, c.Type(0), 0, 1));
        rules.AddMicrosoft("NhwcConv", c => ConvolveChannelsLast(c, c.Type(0), 0, 1));
        rules.AddMicrosoft("NhwcFusedConv", c => ConvolveChannelsLast(c, c.Type(0), 0, 1));
        rules.AddMicrosoft(
            "QLinearConv",
            c =>
            {
                if (c.Node.Int("channels_last") != 0)
                {
                    ChannelsLast(c, c.Type(7), 0, 3, weightChannelsLast: false);
                }
                else
                {
                    Convolve(c, c.Type(7), 0, 3);
                }
            }
        );
    }

    private static void Convolve(RuleContext c, ElementType type, int x, int w)
    {
        c.Set(0, type, null);
        if (c.Shape(w) is not { Rank: > 2 } weight)
        {
            c.Set(0, type, c.Shape(x) is { } known ? ShapeArithmetic.OfRank(known.Rank) : null);
            return;
        }

        var image = c.Shape(x) ?? ShapeArithmetic.OfRank(weight.Rank);
        if (image.Rank != weight.Rank)
        {
            throw new ShapeConflictException("Image and weight differ in rank.");
        }

        var spatial = SlidingWindow.Of(c.Node, weight.Skip(2)).Slide([.. image.Skip(2)]);
        c.Set(0, type, [image[0], weight[0], .. spatial]);
    }

    /// <summary>Image [N,H,W,C] and weight [M,kH,kW,C/group].</summary>
    private static void ConvolveChannelsLast(RuleContext c, ElementType type, int x, int w) =>
        ChannelsLast(c, type, x, w, weightChannelsLast: true);

    private static void ChannelsLast(RuleContext c, ElementType type, int x, int w, bool weightChannelsLast)
    {
        c.Set(0, type, null);
        if (c.Shape(x) is not { Rank: > 2 } image || c.Shape(w) is not { } weight || weight.Rank != image.Rank)
        {
            return;
        }

        var kernel = weightChannelsLast ? weight.Skip(1).SkipLast(1) : weight.Skip(2);
        var spatial = SlidingWindow.Of(c.Node, kernel).Slide([.. image.Skip(1).SkipLast(1)]);
        c.Set(0, type, [image[0], .. spatial, weight[0]]);
    }

    private static void Transposed(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(1) is not { Rank: > 2 } weight)
        {
            return;
        }

        var image = c.Shape(0) ?? ShapeArithmetic.OfRank(weight.Rank);
        if (image.Rank != weight.Rank)
        {
            throw new ShapeConflictException("Image and weight differ in rank.");
        }

        var channels = ShapeArithmetic.Product(weight[1], c.Node.Int("group", 1));
        var window = SlidingWindow.Of(c.Node, weight.Skip(2));
        c.Set(0, c.Type(0), [image[0], channels, .. window.SlideBack([.. image.Skip(2)], c.Node)]);
    }
}
