using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>What an operator call is as a layer.</summary>
/// <param name="Kind">What it computes.</param>
/// <param name="WeightInput">Which of its inputs is the constant weight, or null for none.</param>
/// <param name="ChannelAxis">The axis of the weight's output channels.</param>
/// <param name="Obstacle">Why no integer kernel can run it, or null.</param>
internal sealed record LayerForm(LayerKind Kind, int? WeightInput, int ChannelAxis, string? Obstacle);

/// <summary>
/// Tells layers from other nodes. What multiplies with weights but has no integer kernel is a layer too, with the reason:
/// no part of a network may be left out silently.
/// </summary>
internal sealed class LayerClassifier(GraphIndex index)
{
    private const string OnlyFusedOperator = "it is a fused operator; export the model without ONNX Runtime's fusions";

    /// <summary>The form of a node, or null when it is no layer.</summary>
    public LayerForm? Of(OnnxNode node)
    {
        var form = node.Domain.Length == 0 ? Standard(node) : Fused(node);

        // Frequencies times a number, written as a product of matrices.
        return
            form is { Kind: LayerKind.Linear or LayerKind.Gemm or LayerKind.Other, WeightInput: { } input }
            && index.Constant(node.Inputs[input]) is { } weight
            && weight.ElementCount == weight.Dims.ToArray().Max()
            && IsPhase(node.Outputs[0])
            ? new(LayerKind.Other, null, 0, "its result is the phase of a sine: rounding it would lose timesteps")
            : form;
    }

    private LayerForm? Standard(OnnxNode node) =>
        node.OpType switch
        {
            "Conv" => RankOf(node, 1) is null
                ? new(LayerKind.Convolution, null, 0, "its weights are computed at run time")
                : new(LayerKind.Convolution, 1, 0, BiasObstacle(node)),
            "ConvTranspose" => RankOf(node, 1) is null
                ? new(LayerKind.Other, null, 0, "its weights are computed at run time")
                : new(
                    LayerKind.TransposedConvolution,
                    1,
                    1,
                    "ONNX Runtime has no integer kernel for transposed convolutions"
                ),
            "DeformConv" => new(
                LayerKind.Other,
                RankOf(node, 1) is null ? null : 1,
                0,
                "ONNX Runtime has no integer kernel for deformable convolutions"
            ),
            "Gemm" => Gemm(node),
            "MatMul" => MatMul(node),
            "Einsum" => Einsum(node),
            "Attention" => new(LayerKind.Other, null, 0, "ONNX Runtime has no integer kernel for whole attentions"),
            _ => null,
        };

    private LayerForm? Gemm(OnnxNode node)
    {
        if (!IsFloating(node))
        {
            return null;
        }

        var axis = node.Int("transB") != 0 ? 0 : 1;
        return (RankOf(node, 0), RankOf(node, 1)) switch
        {
            (not null, not null) => null,
            (not null, null) => new(
                LayerKind.Other,
                0,
                node.Int("transA") != 0 ? 1 : 0,
                "its constant matrix stands on the left"
            ),
            (null, not null) => new(LayerKind.Gemm, 1, axis, GemmObstacle(node)),
            _ => new(LayerKind.Other, null, 0, "its weights are computed at run time"),
        };
    }

    private LayerForm? MatMul(OnnxNode node) =>
        !IsFloating(node)
            ? null
            : (RankOf(node, 0), RankOf(node, 1)) switch
            {
                (not null, not null) => null,
                (1, null) or (null, 1) => new(LayerKind.Other, null, 0, "its constant is a vector"),
                ({ } rank, null) => new(LayerKind.Other, 0, rank - 2, "its constant matrix stands on the left"),
                (null, 2) => new(LayerKind.Linear, 1, 1, null),
                (null, { } rank) => new(LayerKind.Other, 1, rank - 1, "its weight is a batch of matrices"),
                _ => new(LayerKind.MatrixProduct, null, 0, null),
            };

    /// <summary>An Einsum that sums over products; one that only permutes or scales is no layer.</summary>
    private LayerForm? Einsum(OnnxNode node)
    {
        var equation = node.Text("equation").Replace(" ", "", StringComparison.Ordinal).Split("->");
        var terms = equation[0].Split(',');
        if (terms.Length < 2 || !IsFloating(node))
        {
            return null;
        }

        var shared = terms[0].Where(char.IsLetter).Where(l => terms.Skip(1).Any(t => t.Contains(l)));
        var contracts = equation.Length == 1 ? shared.Any() : shared.Any(l => !equation[1].Contains(l));
        var weight = Enumerable.Range(0, node.Inputs.Count).Where(i => RankOf(node, i) >= 2).Select(i => (int?)i);
        var input = weight.FirstOrDefault();
        return contracts
            ? new(LayerKind.Other, input, (RankOf(node, input ?? 0) ?? 1) - 1, "ONNX Runtime has no integer Einsum")
            : null;
    }

    private LayerForm? Fused(OnnxNode node)
    {
        var axis = node.OpType switch
        {
            "FusedConv" or "NhwcConv" or "NhwcFusedConv" => 0,
            "FusedGemm" or "FusedMatMul" or "TransposeMatMul" => node.Int("transB") != 0 ? 0 : 1,
            "GemmFastGelu" or "Attention" or "PackedAttention" => 1,
            "MultiHeadAttention" or "GroupQueryAttention" => 0,
            _ => -1,
        };
        return axis < 0 ? null : new(LayerKind.Other, RankOf(node, 1) >= 2 ? 1 : null, axis, OnlyFusedOperator);
    }

    private string? GemmObstacle(OnnxNode node) =>
        node.Int("transA") != 0 ? "its left matrix is transposed"
        : node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1 ? "its alpha or beta is not 1"
        : node.Input(2) is { } bias && index.Constant(bias) is not { Rank: <= 1 } ? "its bias is not a constant vector"
        : null;

    private string? BiasObstacle(OnnxNode node) =>
        node.Input(2) is { } bias && index.Constant(bias) is null ? "its bias is computed at run time" : null;

    /// <summary>The rank of an input's constant, or null when it is not constant.</summary>
    private int? RankOf(OnnxNode node, int input) => index.Constant(node.Input(input))?.Rank;

    /// <summary>Shapes are computed with MatMul, too.</summary>
    private bool IsFloating(OnnxNode node) =>
        index.Graph.Find(node.Outputs[0]) is not { } info
        || info.ElementType == ElementType.Undefined
        || info.ElementType.IsFloatingPoint();

    /// <summary>Whether a value goes into a sine or cosine, through arithmetic alone.</summary>
    private bool IsPhase(string value) =>
        index
            .Consumers(value)
            .Any(n =>
                n.Is("Sin")
                || n.Is("Cos")
                || (
                    (DataMovement.Is(n) || n.OpType is "Mul" or "Div" or "Add" or "Sub" or "Cast" or "Concat")
                    && IsPhase(n.Outputs[0])
                )
            );
}
