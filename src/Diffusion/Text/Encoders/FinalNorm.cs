using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>The layer normalisation that ends CLIP's text model. Stable Diffusion applies it to an earlier layer's states too,
/// when layers are skipped, which a graph does not offer.</summary>
/// <param name="Scale">γ.</param>
/// <param name="Shift">β.</param>
/// <param name="Epsilon">ε.</param>
internal sealed record FinalNorm(float[] Scale, float[] Shift, float Epsilon)
{
    private const float UsualEpsilon = 1e-5f;

    /// <summary>The one that makes a value, as one node or as the last two of many; null where it is neither.</summary>
    public static FinalNorm? Find(GraphIndex index, string value)
    {
        var node = index.Producer(value);
        while (node is not null && (node.Is("Identity") || node.Is("Cast")))
        {
            node = index.Producer(node.Input(0));
        }

        if (node is null)
        {
            return null;
        }

        if (node.Is("LayerNormalization"))
        {
            return Of(
                index.Constant(node.Input(1)),
                index.Constant(node.Input(2)),
                node.Attributes.TryGetValue("epsilon", out _) ? node.Float("epsilon") : UsualEpsilon
            );
        }

        return
            node.Is("Add")
            && Operand(index, node) is { } shift
            && index.Producer(node.Inputs.Find(i => index.Constant(i) is null)) is { } product
            && product.Is("Mul")
            ? Of(Operand(index, product), shift, UsualEpsilon)
            : null;
    }

    /// <summary>Normalises rows in place.</summary>
    public void Apply(Span<float> values)
    {
        var width = Scale.Length;
        for (var start = 0; start < values.Length; start += width)
        {
            var row = values.Slice(start, width);
            double sum = 0;
            double squares = 0;
            foreach (var value in row)
            {
                sum += value;
            }

            var mean = sum / width;
            foreach (var value in row)
            {
                squares += (value - mean) * (value - mean);
            }

            var deviation = Math.Sqrt((squares / width) + Epsilon);
            for (var i = 0; i < width; i++)
            {
                row[i] = (float)((row[i] - mean) / deviation * Scale[i]) + Shift[i];
            }
        }
    }

    private static OnnxTensor? Operand(GraphIndex index, OnnxNode node) =>
        node.Inputs.Select(index.Constant).FirstOrDefault(c => c is { Rank: 1 });

    private static FinalNorm? Of(OnnxTensor? scale, OnnxTensor? shift, float epsilon) =>
        scale is { Rank: 1 } && shift is { Rank: 1 } && scale.Dims[0] == shift.Dims[0]
            ? new(scale.ToFloats().ToArray(), shift.ToFloats().ToArray(), epsilon)
            : null;
}
