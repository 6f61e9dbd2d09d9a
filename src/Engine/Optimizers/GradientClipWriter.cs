using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>Writes the factor that turns sums of gradients into means no longer than a bound.</summary>
internal sealed class GradientClipWriter(OnnxModel model)
{
    // As torch.nn.utils.clip_grad_norm_ has it.
    private const float Least = 1e-6f;

    private readonly GradientWriter writer = new(model, new GraphEditor(model.Graph));

    /// <summary>The norm of all gradients over a number of batches, a scalar that becomes an output.</summary>
    /// <param name="gradients">Sums over the batches, with their sizes.</param>
    /// <param name="batches">How many batches.</param>
    public string AddNorm(IEnumerable<(string Name, long[] Dims)> gradients, int batches)
    {
        // ONNX Runtime visits a node's inputs in the order in which their nodes stand: the gradient that the backward pass
        // comes to first, that of the last parameter, is the first to be used up.
        var parts = gradients
            .Reverse()
            .Select(g => writer.Reshape(writer.Unbroadcast(writer.Op("Mul", g.Name, g.Name), g.Dims, []), 1));
        var squares = writer.Op("Concat", [.. parts], ("axis", 0L));
        var root = writer.Op("Sqrt", writer.ReduceSum(squares, [0], keepDimensions: false));
        var norm = writer.Editor.Node("Mul", "gradient_norm", [root, writer.Number(1.0 / batches)]);
        model.Graph.Outputs.Add(new(norm, ElementType.Float, TensorShape.Scalar));
        return norm;
    }

    /// <summary>What sums of gradients are multiplied by; null for 1.</summary>
    /// <param name="norm">The norm of their mean; null for no bound.</param>
    /// <param name="clip">The bound.</param>
    /// <param name="batches">How many batches.</param>
    public string? Factor(string? norm, float clip, int batches)
    {
        if (norm is null)
        {
            return batches == 1 ? null : writer.Number(1.0 / batches);
        }

        var share = writer.Op("Div", writer.Number(clip), writer.Op("Add", norm, writer.Number(Least)));
        var factor = writer.Op("Min", share, writer.Number(1));
        return batches == 1 ? factor : writer.Op("Mul", factor, writer.Number(1.0 / batches));
    }

    /// <summary>A gradient times the factor.</summary>
    public string Scaled(string gradient, string? factor) =>
        factor is null ? gradient : writer.Op("Mul", gradient, factor);
}
