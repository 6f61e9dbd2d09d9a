using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// Operators that pick or place elements at indices which may be computed at run time. What was picked is added up where it
/// came from: an index may be there twice.
/// </summary>
internal static class IndexGradients
{
    // From it on ScatterND and ScatterElements add up.
    private const long OpsetOfSums = 16;

    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("GatherElements", GatherElements);
        rules.Add("GatherND", GatherBlocks);
        rules.Add("ScatterElements", c => Scatter(c, "GatherElements", ("axis", c.Node.Int("axis"))));
        rules.Add("ScatterND", c => Scatter(c, "GatherND"));
    }

    /// <summary>Rows of an axis: blocks, once the axis comes first.</summary>
    /// <param name="c">A Gather.</param>
    /// <param name="axis">Its axis, not negative.</param>
    public static void Gather(GradientContext c, int axis)
    {
        var w = c.Writer;
        var (dims, indices) = (c.InputShape(0), c.InputShape(1));
        var count = indices.Aggregate(1L, (a, b) => a * b);
        var flat = w.Reshape(c.Gradient, [.. dims[..axis], count, .. dims[(axis + 1)..]]);
        long[] first = [axis, .. Axes(0, axis), .. Axes(axis + 1, dims.Length)];
        long[] back = [.. Axes(1, axis + 1), 0, .. Axes(axis + 1, dims.Length)];
        var blocks = AddedUp(
            c,
            [dims[axis], .. dims[..axis], .. dims[(axis + 1)..]],
            w.Reshape(c.Node.Inputs[1], count, 1),
            w.Transpose(flat, first)
        );
        c.Give(0, w.Transpose(blocks, back));
    }

    /// <summary>Zeros, to which elements are added at places of the flat list of all elements.</summary>
    /// <param name="c">The context.</param>
    /// <param name="dims">The sizes of the result.</param>
    /// <param name="places">Places in the flat list.</param>
    /// <param name="elements">What is added there.</param>
    public static string AtFlatPlaces(GradientContext c, long[] dims, string places, string elements)
    {
        var w = c.Writer;
        var count = dims.Aggregate(1L, (a, b) => a * b);
        var sums = AddedUp(c, [count], w.Reshape(places, -1, 1), w.Reshape(elements, -1));
        return w.Reshape(sums, dims);
    }

    private static void GatherElements(GradientContext c)
    {
        c.Writer.RequireOpset(OpsetOfSums);
        var zeros = c.Writer.Filled(0, c.InputShape(0), c.Type);
        c.Give(
            0,
            c.Writer.Op(
                "ScatterElements",
                [zeros, c.Node.Inputs[1], c.Gradient],
                ("axis", c.Node.Int("axis")),
                ("reduction", "add")
            )
        );
    }

    private static void GatherBlocks(GradientContext c)
    {
        if (c.Node.Int("batch_dims") != 0)
        {
            throw c.Unsupported("batch dimensions");
        }

        c.Give(0, AddedUp(c, c.InputShape(0), c.Node.Inputs[1], c.Gradient));
    }

    /// <summary>What is placed has the gradient at its places; what it takes the place of has none.</summary>
    private static void Scatter(
        GradientContext c,
        string gather,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    )
    {
        var (w, indices) = (c.Writer, c.Node.Inputs[1]);
        var reduction = c.Node.Text("reduction", "none");
        if (reduction is not ("none" or "add"))
        {
            throw c.Unsupported($"the reduction {reduction}");
        }

        if (c.Needs(0))
        {
            var zeros = w.Filled(0, c.InputShape(2), c.Type);
            c.Give(0, reduction == "add" ? c.Gradient : w.Op(c.Node.OpType, [c.Gradient, indices, zeros], attributes));
        }

        if (c.Needs(2))
        {
            c.Give(2, w.Op(gather, [c.Gradient, indices], attributes));
        }
    }

    /// <summary>Zeros, to which blocks are added at indices of leading axes.</summary>
    private static string AddedUp(GradientContext c, long[] dims, string indices, string blocks)
    {
        c.Writer.RequireOpset(OpsetOfSums);
        var zeros = c.Writer.Filled(0, dims, c.Type);
        return c.Writer.Op("ScatterND", [zeros, indices, blocks], ("reduction", "add"));
    }

    private static IEnumerable<long> Axes(int from, int to) => Enumerable.Range(from, to - from).Select(i => (long)i);
}
