using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>What cannot run in integers stays right, and the report says why.</summary>
public class LayerReasonTests
{
    private const int C = Scaffold.Channels;
    private readonly Scaffold scaffold = new();

    private QuantizedModel Quantize(Func<GraphBuilder, Value, Value, Value> part, params string[] rules) =>
        new(scaffold.Build(part), "W8A8", null, null, rules);

    private Value Weight(GraphBuilder b, params long[] dims) => b.Parameter("weight", scaffold.Weight(dims));

    private Value Matrix(GraphBuilder b, long rows, long columns) =>
        b.Parameter("matrix", scaffold.Matrix(rows, columns));

    private static Value Tokens(GraphBuilder b, Value h) => b.Transpose(b.Reshape(h, 0, C, -1), 0, 2, 1);

    private static Value Image(GraphBuilder b, Value tokens) =>
        b.Reshape(b.Transpose(tokens, 0, 2, 1), -1, C, Scaffold.Size, Scaffold.Size);

    [Fact]
    public void WhatHasNoIntegerKernelKeepsItsReason()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                var tokens = Tokens(b, h);
                var mixed = b.MatMul(b.Parameter("mixer", scaffold.Weight(64, 64)), tokens);
                var heads = b.MatMul(b.Unsqueeze(mixed, 1), b.Parameter("heads", scaffold.Weight(2, C, C)));
                var joined = b.ReduceMean(heads, [1], keepDimensions: false);
                var einsum = b.Op("Einsum", [joined, Matrix(b, C, C)], ("equation", "b n c, c d -> b n d"));
                var gram = b.Op("Einsum", [einsum, tokens], ("equation", "bnc,bmc->bnm"));
                var permuted = b.Op("Einsum", [b.MatMul(b.Softmax(gram), tokens)], ("equation", "bnc->bcn"));
                var last = b.Op("Gemm", [b.Reshape(permuted, C, -1), Matrix(b, C, C)], ("transA", 1L));
                return h + Image(b, b.Reshape(last, -1, 64, C)) * b.Scalar(0.1f);
            }
        );
        model.AssertSound();
        var layers = model.Report.Layers.Where(l => l.Reason is not null).ToArray();
        Assert.Equal(["MatMul", "MatMul", "Einsum", "Einsum", "Gemm"], layers.Select(l => l.Operator));
        Assert.Contains("left", layers[0].Reason);
        Assert.Contains("batch of matrices", layers[1].Reason);
        Assert.Equal([LayerMode.WeightOnly, LayerMode.Float], layers[2..4].Select(l => l.Mode));
        Assert.Contains("transposed", layers[4].Reason);
    }

    [Fact]
    public void ComputedWeightsAndBiasesKeepTheirReason()
    {
        using var model = Quantize(
            (b, h, embedding) =>
            {
                // One style for the whole batch: a convolution whose weights the timestep modulates.
                var style = b.Reshape(b.ReduceMean(embedding, [0]), C, 1, 1, 1);
                var weight = Weight(b, C, C, 1, 1) * style;
                var conv = b.Op("Conv", h, weight);
                return h + b.Op("Conv", conv, Weight(b, C, C, 1, 1), b.Reshape(style, -1));
            }
        );
        model.AssertSound();
        Assert.Equal(LayerMode.Float, model.Layer("part/Conv").Mode);
        Assert.Contains("weights are computed", model.Layer("part/Conv").Reason);
        Assert.Equal(LayerMode.WeightOnly, model.Layer("part/Conv_1").Mode);
        Assert.Contains("bias is computed", model.Layer("part/Conv_1").Reason);
    }

    [Fact]
    public void PhasesOfSinesStayFloat()
    {
        using var model = Quantize(
            (b, h, embedding) =>
            {
                var time = b.Cast(scaffold.Time!, ElementType.Float);
                var frequencies = b.Constant(OnnxTensor.Of("", TestModels.Numbers(1, C).AsSpan(), 1, C));
                var phase = b.MatMul(b.Reshape(time, -1, 1), frequencies);
                return h + b.Unsqueeze(b.Op("Sin", phase), 2, 3);
            }
        );
        model.AssertSound();
        Assert.Contains("phase", model.Layer("MatMul").Reason);
    }

    [Fact]
    public void BranchesThatCaptureAWeight()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                var weight = Weight(b, C, C, 3, 3);
                h = b.Silu(b.Conv(h, weight, null, 1));
                var isLarge = b.Op("Greater", b.Size(h, 2), b.Scalar(4L));
                GraphBuilder Branch(string name, Func<GraphBuilder, Value> result)
                {
                    var branch = b.Subgraph(name);
                    branch.Output(result(branch), $"{name}_result", ElementType.Float);
                    return branch;
                }

                var then = Branch("then", s => s.Op("Conv", [h, weight], ("pads", new[] { 1L, 1, 1, 1 })));
                var otherwise = Branch("else", s => s.Op("Neg", h));
                return h
                    + b.Op(
                        "If",
                        [isLarge],
                        ("then_branch", new AttributeValue.Graph(then.Graph)),
                        ("else_branch", new AttributeValue.Graph(otherwise.Graph))
                    );
            }
        );
        model.AssertSound();
        var inner = Assert.Single(model.Report.Layers, l => l.Reason is not null);
        Assert.Contains("branch", inner.Reason);
    }

    [Fact]
    public void WhereAllLayersStandInBranchesTheReasonIsSaid()
    {
        var refused = Assert.Throws<Onnx.Diagnostics.DiffusionQuantException>(() =>
            Quantize(
                (b, h, _) =>
                {
                    var weight = Weight(b, C, C, 3, 3);
                    var then = b.Subgraph("then");
                    then.Output(
                        then.Op("Conv", [h, weight], ("pads", new[] { 1L, 1, 1, 1 })),
                        "then_result",
                        ElementType.Float
                    );
                    var otherwise = b.Subgraph("else");
                    otherwise.Output(otherwise.Op("Neg", h), "else_result", ElementType.Float);
                    return h
                        + b.Op(
                            "If",
                            [b.Op("Greater", b.Size(h, 2), b.Scalar(4L))],
                            ("then_branch", new AttributeValue.Graph(then.Graph)),
                            ("else_branch", new AttributeValue.Graph(otherwise.Graph))
                        );
                },
                "*=float",
                "*If/*=W8A8"
            )
        );
        Assert.Equal("DQ1091", refused.Code);
        Assert.Contains("it stands in a branch or a loop", refused.Message);
        Assert.DoesNotContain("Check the policy", refused.Message);
    }

    [Fact]
    public void FusedOperators()
    {
        using var model = Quantize(
            (b, h, _) =>
                h
                + b.Node(
                    "FusedConv",
                    [h, Weight(b, C, C, 3, 3), b.Parameter("bias", scaffold.Bias(C))],
                    1,
                    [("activation", "Relu"), ("pads", new[] { 1L, 1, 1, 1 }), ("kernel_shape", new[] { 3L, 3 })],
                    "com.microsoft"
                )[0]
        );
        model.AssertSound();
        var fused = model.Layer("FusedConv");
        Assert.Equal(LayerMode.WeightOnly, fused.Mode);
        Assert.Contains("fused", fused.Reason);
    }
}
