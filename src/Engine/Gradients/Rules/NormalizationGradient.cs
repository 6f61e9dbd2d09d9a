using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// The derivative of y = γ·x̂ + β with x̂ = d·i, d = x − mean(x), i = 1/√(mean(d²) + ε): dx = i·(g − mean(g) − x̂·mean(g·x̂)) with
/// g = γ·dy. By the root of the mean square alone d is x, and mean(g) goes. The node itself is written out in the same terms,
/// so that nothing is computed twice.
/// </summary>
/// <param name="c">The node.</param>
/// <param name="dims">The sizes that the input is reshaped to.</param>
/// <param name="axes">The axes of the means.</param>
/// <param name="scaleDims">The sizes that γ and β are reshaped to.</param>
internal sealed class NormalizationGradient(GradientContext c, long[] dims, long[] axes, long[] scaleDims)
{
    private readonly GradientWriter w = c.Writer;

    /// <summary>The input with γ.</summary>
    public int Scale { get; init; } = 1;

    /// <summary>The input with β; null for none.</summary>
    public int? Bias { get; init; } = 2;

    /// <summary>Whether the mean is taken off.</summary>
    public bool IsCentred { get; init; } = true;

    /// <summary>What ε is where the node does not say.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Hands over the gradients of γ and β, and lets the node go where only its first output counts.</summary>
    /// <param name="value">What is normalized, of the output's shape.</param>
    /// <returns>Its gradient.</returns>
    public string Give(string value)
    {
        var x = Shaped(value, c.OutputShape, dims);
        var dy = Shaped(c.Gradient, c.OutputShape, dims);
        var centred = IsCentred ? c.Op("Sub", x, w.ReduceMean(x, axes)) : x;
        var variance = w.ReduceMean(c.Op("Mul", centred, centred), axes);
        var inverse = c.Op(
            "Reciprocal",
            c.Op("Sqrt", c.Op("Add", variance, c.Number(c.Node.Float("epsilon", Epsilon))))
        );
        var normalized = c.Op("Mul", centred, inverse);
        var product = c.Op("Mul", dy, normalized);
        var scale = IsFilled(Scale, 1) ? null : Shaped(c.Node.Inputs[Scale], c.InputShape(Scale), scaleDims);
        GiveSummed(Scale, product);
        if (Bias is { } bias)
        {
            GiveSummed(bias, dy);
        }

        if (c.Type == ElementType.Float && c.Node.Outputs.Skip(1).All(o => o.Length == 0))
        {
            w.Replace(c.Node, Shaped(Forward(normalized, scale), dims, c.OutputShape));
        }

        return Shaped(InputGradient(dy, product, normalized, inverse, scale), dims, c.OutputShape);
    }

    private string InputGradient(string dy, string product, string normalized, string inverse, string? scale)
    {
        // A factor that is one along the reduced axes can be applied behind the sums, on small tensors.
        var isConstant = scale is null || Array.TrueForAll(axes, a => ScaleSize(a) == 1);
        var (g, slope) = isConstant ? (dy, product) : (c.Op("Mul", dy, scale!), c.Op("Mul", product, scale!));
        var along = c.Op("Mul", normalized, w.ReduceMean(slope, axes));
        along = IsCentred ? c.Op("Add", along, w.ReduceMean(g, axes)) : along;
        var factor = isConstant && scale is not null ? c.Op("Mul", inverse, scale) : inverse;
        return c.Op("Mul", c.Op("Sub", g, along), factor);
    }

    private string Forward(string normalized, string? scale)
    {
        var scaled = scale is null ? normalized : c.Op("Mul", normalized, scale);
        return Bias is { } bias && c.Node.Input(bias) is { } name && !IsFilled(bias, 0)
            ? c.Op("Add", scaled, Shaped(name, c.InputShape(bias), scaleDims))
            : scaled;
    }

    private void GiveSummed(int input, string gradient)
    {
        if (c.Needs(input))
        {
            c.Give(input, Shaped(w.Unbroadcast(gradient, dims, scaleDims), scaleDims, c.InputShape(input)));
        }
    }

    private string Shaped(string value, long[] from, long[] to) =>
        from.AsSpan().SequenceEqual(to) ? value : w.Reshape(value, to);

    /// <summary>Whether an input is a constant of one number throughout.</summary>
    private bool IsFilled(int input, float number) =>
        w.Constant(c.Node.Input(input)) is { } constant && !constant.ToFloats().Span.ContainsAnyExcept(number);

    private long ScaleSize(long axis)
    {
        var place = axis - (dims.Length - scaleDims.Length);
        return place < 0 ? 1 : scaleDims[place];
    }
}
