using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// The normalizing part of a group normalization, in any form that exporters write: the values of each group have mean 0
/// and variance 1 behind it. Reshapes around it and the channels' affine map are not part of it.
/// </summary>
/// <param name="Input">The value of shape [N, G, …] (or [N, C, …] for <c>GroupNormalization</c>) that it normalizes.</param>
/// <param name="Output">The value that it makes, of the same shape.</param>
/// <param name="Readers">The nodes that read <paramref name="Input"/>.</param>
/// <param name="Groups">The number of groups.</param>
/// <param name="Epsilon">What is added to the variance.</param>
/// <param name="Scale">Factors of groups or channels; null for ones.</param>
/// <param name="Bias">Summands of groups or channels; null for zeros.</param>
internal sealed record GroupNormCore(
    string Input,
    string Output,
    IReadOnlyList<OnnxNode> Readers,
    int Groups,
    float Epsilon,
    float[]? Scale,
    float[]? Bias
);

/// <summary>Recognizes the normalizing part by structure alone.</summary>
internal sealed class GroupNormCores(GraphIndex index)
{
    /// <summary>The core that ends at a node, or null.</summary>
    public GroupNormCore? EndingAt(OnnxNode node) =>
        node.Domain.Length > 0
            ? null
            : node.OpType switch
            {
                "InstanceNormalization" => Instance(node),
                "GroupNormalization" => Group(node),
                "LayerNormalization" => Layer(node),
                "Div" => Decomposed(node, node.Inputs[0], node.Inputs[1]),
                "Mul" => Reciprocal(node, 0) ?? Reciprocal(node, 1),
                _ => null,
            };

    private GroupNormCore? Instance(OnnxNode node) =>
        index.Constant(node.Input(1)) is { } scale && index.Constant(node.Input(2)) is { } bias
            ? new(
                node.Inputs[0],
                node.Outputs[0],
                [node],
                (int)scale.ElementCount,
                node.Float("epsilon", 1e-5f),
                scale.ToFloats().ToArray(),
                bias.ToFloats().ToArray()
            )
            : null;

    private GroupNormCore? Group(OnnxNode node) =>
        index.Constant(node.Input(1)) is { } scale && index.Constant(node.Input(2)) is { } bias
            ? new(
                node.Inputs[0],
                node.Outputs[0],
                [node],
                (int)node.Int("num_groups"),
                node.Float("epsilon", 1e-5f),
                scale.ToFloats().ToArray(),
                bias.ToFloats().ToArray()
            )
            : null;

    /// <summary>A layer normalization over all that lies behind the groups, without an affine map of its own.</summary>
    private GroupNormCore? Layer(OnnxNode node)
    {
        var shape = index.Graph.ShapeOf(node.Inputs[0]);
        var axis = node.Int("axis", -1);
        return
            shape is { Rank: >= 3 }
            && (axis == 2 || axis == 2 - shape.Rank)
            && shape[1].Value is { } groups
            && node.Outputs.Skip(1).All(o => o.Length == 0 || index.Consumers(o).Count == 0)
            && All(node.Input(1), 1)
            && (node.Input(2) is null || All(node.Input(2), 0))
            ? new(node.Inputs[0], node.Outputs[0], [node], (int)groups, node.Float("epsilon", 1e-5f), null, null)
            : null;
    }

    private bool All(string? value, float wanted) =>
        index.Constant(value) is { } tensor && !tensor.ToFloats().Span.ContainsAnyExcept(wanted);

    private GroupNormCore? Reciprocal(OnnxNode node, int side) =>
        index.Producer(node.Inputs[side]) is { } reciprocal && reciprocal.Is("Reciprocal")
            ? Decomposed(node, node.Inputs[1 - side], reciprocal.Inputs[0])
            : null;

    /// <summary>(x − mean(x)) / √(mean((x − mean(x))²) + ε), the means over all axes behind the groups'.</summary>
    private GroupNormCore? Decomposed(OnnxNode node, string centred, string deviation)
    {
        if (
            index.Producer(centred) is not { } sub
            || !sub.Is("Sub")
            || index.Producer(sub.Inputs[1]) is not { } mean
            || mean.Input(0) != sub.Inputs[0]
            || index.Graph.ShapeOf(sub.Inputs[0]) is not { Rank: >= 3 } shape
            || shape[1].Value is not { } groups
            || !IsMeanBehindGroups(mean, shape.Rank)
        )
        {
            return null;
        }

        return
            index.Producer(deviation) is { } sqrt
            && sqrt.Is("Sqrt")
            && index.Producer(sqrt.Inputs[0]) is { } add
            && add.Is("Add")
            && (Variance(add, 0) ?? Variance(add, 1)) is { } epsilon
            ? new(sub.Inputs[0], node.Outputs[0], [mean, sub], (int)groups, epsilon, null, null)
            : null;

        float? Variance(OnnxNode sum, int side) =>
            index.Constant(sum.Inputs[1 - side]) is { ElementCount: 1 } constant
            && index.Producer(sum.Inputs[side]) is { } variance
            && IsMeanBehindGroups(variance, shape.Rank)
            && IsSquare(variance.Inputs[0])
                ? constant.ToFloats().Span[0]
                : null;

        bool IsSquare(string value) =>
            index.Producer(value) is { } square
            && square.Inputs[0] == centred
            && (
                square.Is("Mul")
                    ? square.Inputs[1] == centred
                    : square.Is("Pow")
                        && index.Constant(square.Inputs[1]) is { ElementCount: 1 } power
                        && power.ToFloats().Span[0] == 2
            );
    }

    private bool IsMeanBehindGroups(OnnxNode node, int rank)
    {
        if (!node.Is("ReduceMean") || node.Int("keepdims", 1) == 0)
        {
            return false;
        }

        var axes = node.Ints("axes") ?? index.Constant(node.Input(1))?.ToInt64s();
        return axes is not null
            && axes.Select(a => a < 0 ? a + rank : a)
                .Order()
                .SequenceEqual(Enumerable.Range(2, rank - 2).Select(i => (long)i));
    }
}
