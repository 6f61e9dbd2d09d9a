using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class NormalizeGraphTests
{
    [Theory]
    [InlineData(NameStyle.Scoped)]
    [InlineData(NameStyle.Numbered)]
    [InlineData(NameStyle.Dynamo)]
    public void AllExportersGiveTheSameForm(NameStyle style)
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = style });
        var normalized = model.Clone();

        // Some files have nodes of one name, which ONNX Runtime refuses, or of none.
        foreach (var node in normalized.Graph.Nodes.Where(n => n.Is("Conv")))
        {
            node.Name = style == NameStyle.Numbered ? "" : "same";
        }

        Assert.True(NormalizeGraph.Apply(normalized) > 0);
        GraphChecker.Check(normalized.Graph, "model");
        var nodes = normalized.Graph.Nodes;
        Assert.DoesNotContain(nodes, n => n.OpType is "Constant" or "Identity");
        Assert.DoesNotContain(
            nodes,
            n => n.Is("Cast") && normalized.Graph.Find(n.Inputs[0])?.ElementType == ElementType.Float
        );
        Assert.Equal(nodes.Count, nodes.Select(n => n.Name).Where(n => n.Length > 0).Distinct().Count());
        var sample = TestModels.Numbers(1, 64);
        var expected = Runs.UNet(model, sample, [1, 1, 8, 8], [5]);
        var actual = Runs.UNet(normalized, sample, [1, 1, 8, 8], [5]);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-5f));
        Assert.Equal(0, NormalizeGraph.Apply(normalized));
    }

    [Fact]
    public void FactorsAndTranspositionsGoIntoWeights()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 3, 4);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 20).AsSpan(), 5, 4));
        var bias = b.Parameter("b", OnnxTensor.Of("", TestModels.Numbers(2, 5).AsSpan(), 5));
        var gemm = b.Op("Gemm", [x, weight, bias], ("alpha", 0.5f), ("beta", 3f), ("transB", 1L));
        var linear = b.MatMul(x, b.Transpose(weight, 1, 0));
        b.Output(gemm + linear, "y", ElementType.Float, 3, 5);
        var model = b.Build();
        var normalized = model.Clone();
        Assert.Equal(3, NormalizeGraph.Apply(normalized));
        Assert.DoesNotContain(normalized.Graph.Nodes, n => n.Is("Transpose"));
        var changed = normalized.Graph.Nodes.Single(n => n.Is("Gemm"));
        Assert.Equal((1f, 1f), (changed.Float("alpha", 1), changed.Float("beta", 1)));
        var values = TestModels.Numbers(3, 12);
        var expected = Runs.Single(model, "y", ("x", values, [3, 4]));
        var actual = Runs.Single(normalized, "y", ("x", values, [3, 4]));
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-5f));
    }

    [Fact]
    public void TransposesConstantsOfAnyRank()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 4, 2, 3);
        var w = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 24).AsSpan(), 2, 3, 4));
        b.Output(x + b.Transpose(w, 2, 0, 1), "y", ElementType.Float, 4, 2, 3);
        var model = b.Build();
        var normalized = model.Clone();
        Assert.Equal(1, NormalizeGraph.Apply(normalized));
        Assert.Single(normalized.Graph.Nodes);
        var values = TestModels.Numbers(3, 24);
        Assert.Equal(
            Runs.Single(model, "y", ("x", values, [4, 2, 3])),
            Runs.Single(normalized, "y", ("x", values, [4, 2, 3]))
        );
    }

    [Fact]
    public void WhatDoesNothingGoesAndOutputsKeepTheirNames()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 4);
        var h = b.Op("Relu", b.Op("Dropout", b.Op("Identity", x)));
        var y = b.Op("Identity", b.Op("Identity", h));
        b.Output(y, "y", ElementType.Float, 4);
        b.Output(b.Op("Identity", x), "copy", ElementType.Float, 4);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        GraphChecker.Check(model.Graph, "model");
        Assert.Equal(["Relu", "Identity"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(["y", "copy"], model.Graph.Outputs.Select(o => o.Name));
        Assert.Equal([0f, 0, 1, 2], Runs.Single(model, "y", ("x", [-1, 0, 1, 2], [4])));
    }
}
