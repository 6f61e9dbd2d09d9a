using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Tests.Agreement;
using DiffusionQuant.Tests.Shared;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class ChannelsLastTests
{
    [Theory]
    [InlineData(13, false, true)]
    [InlineData(17, false, true)]
    [InlineData(17, false, false)]
    [InlineData(18, false, true)]
    [InlineData(21, false, true)]
    [InlineData(17, true, true)]
    public void NetworksComputeTheSame(long opset, bool half, bool norms)
    {
        var model = DdpmUNet.Build(
            TestModels.SmallUNet with
            {
                Opset = opset,
                HalfPrecision = half,
                KeepFloatImages = half,
            }
        );
        var changed = model.Clone();
        NormalizeGraph.Apply(changed);
        StaticShapes.Apply(changed);
        if (norms)
        {
            RewriteGroupNorms.Apply(changed);
        }

        Assert.True(ChannelsLast.Apply(changed) > 0);
        GraphChecker.Check(changed.Graph, "network");
        Assert.Equal(changed.Graph.Nodes.Count, changed.Graph.Nodes.Select(n => n.Name).Distinct().Count());
        var sample = TestModels.Numbers(3, 2 * 3 * 256);
        var expected = Runs.UNet(model, sample, [2, 3, 16, 16], [10, 700]);
        var actual = Runs.UNet(changed, sample, [2, 3, 16, 16], [10, 700]);
        var tolerance = half ? 2e-2f : 1e-4f;
        Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() < tolerance * expected.Max(Math.Abs));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(21)]
    public void NoFloatsAreTransposedInTheQuantizedModel(long opset)
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet with { Opset = opset });
        NormalizeGraph.Apply(model);
        StaticShapes.Apply(model);
        Assert.Equal(4, SwapProducts.Apply(model));
        RewriteGroupNorms.Apply(model);
        ChannelsLast.Apply(model);
        using var sample = Tensors.Of(TestModels.Numbers(1, 2 * 3 * 256), 2, 3, 16, 16);
        using var timestep = Tensors.Of([10L, 700L], 2);
        var inputs = new Dictionary<string, OrtValue> { ["sample"] = sample, ["timestep"] = timestep };
        var planned = new PlannedModel(model, "W8A8", inputs, null, "sample");
        var kernels = Runs.OptimizedOperators(planned.Exported);
        Assert.True(kernels["QLinearConv"] > 15);

        // The keys of each attention, and the border of the network.
        var attentions = kernels["Softmax"];
        Assert.True(
            kernels.GetValueOrDefault("Transpose") <= attentions + 2,
            $"{kernels.GetValueOrDefault("Transpose")}"
        );
        PointAgreement.AssertAgree(model, planned.Plan, planned.Exported, inputs);
    }

    [Fact]
    public void WhatHasNoFormInTheLayoutStays()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 1, 2, 4, 6);
        var mask = b.Input("mask", ElementType.Float, 1, 1, 4, 6);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4).AsSpan(), 2, 2, 1, 1));
        var h = b.Conv(x, weight) + b.Constant(OnnxTensor.Of("", [1f, 2f], 2, 1, 1));
        b.Output(b.Op("Sigmoid", h) * mask, "y", ElementType.Float, 1, 2, 4, 6);
        b.Output(b.Conv(h, weight), "z", ElementType.Float, 1, 2, 4, 6);
        var model = b.Build();
        var changed = model.Clone();
        NormalizeGraph.Apply(changed);
        Assert.Equal(2, ChannelsLast.Apply(changed));
        GraphChecker.Check(changed.Graph, "model");
        (string, float[], long[])[] inputs =
        [
            ("x", TestModels.Numbers(2, 48), [1, 2, 4, 6]),
            ("mask", TestModels.Numbers(3, 24), [1, 1, 4, 6]),
        ];
        foreach (var output in (string[])["y", "z"])
        {
            var pairs = Runs.Single(model, output, inputs).Zip(Runs.Single(changed, output, inputs));
            Assert.All(pairs, p => Assert.Equal(p.First, p.Second, 1e-5f));
        }
    }

    [Fact]
    public void Graph()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", 2, 4, 6);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4).AsSpan(), 2, 2, 1, 1));
        b.Output(b.Conv(b.Silu(b.Conv(x, weight)), weight), "y", ElementType.Float, "batch", 2, 4, 6);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        ChannelsLast.Apply(model);
        Snapshot.Verify(GraphText.Print(model.Graph));
    }

    [Theory]
    [InlineData("asymmetric", "floor", 2, true)]
    [InlineData("asymmetric", "round_prefer_floor", 3, false)]
    [InlineData("half_pixel", "round_prefer_floor", 3, true)]
    [InlineData("half_pixel", "round_prefer_ceil", 2, true)]
    [InlineData("pytorch_half_pixel", "floor", 2, false)]
    [InlineData("align_corners", "round_prefer_floor", 2, false)]
    public void RepeatedPixelsAreExpanded(string transformation, string rounding, int factor, bool expands)
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", 2, 4, 3);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4).AsSpan(), 2, 2, 1, 1));
        var resized = b.Op(
            "Resize",
            [b.Conv(x, weight), null, b.Constant(OnnxTensor.Of("", [1f, 1f, factor, factor], 4))],
            ("coordinate_transformation_mode", transformation),
            ("mode", "nearest"),
            ("nearest_mode", rounding)
        );
        b.Output(b.Silu(resized), "y", ElementType.Float, "batch", 2, 4 * factor, 3 * factor);
        var model = b.Build();
        var changed = model.Clone();
        NormalizeGraph.Apply(changed);
        ChannelsLast.Apply(changed);
        Assert.Equal(expands, changed.Graph.Nodes.Exists(n => n.Is("Expand")));
        Assert.Equal(!expands, changed.Graph.Nodes.Exists(n => n.Is("Resize")));
        var values = TestModels.Numbers(2, 48);
        var pairs = Runs.Single(model, "y", ("x", values, [2, 2, 4, 3]))
            .Zip(Runs.Single(changed, "y", ("x", values, [2, 2, 4, 3])));
        Assert.All(pairs, p => Assert.Equal(p.First, p.Second, 1e-5f));
    }

    [Fact]
    public void UnknownSizesAreLeftAlone()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", 2, "height", "width");
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4).AsSpan(), 2, 2, 1, 1));
        b.Output(b.Silu(b.Conv(x, weight)), "y", ElementType.Float, "batch", 2, "height", "width");
        var model = b.Build();
        NormalizeGraph.Apply(model);
        Assert.Equal(0, ChannelsLast.Apply(model));
    }
}
