using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>float16 graphs, opsets and the ways in which exporters name things.</summary>
public class PrecisionTests
{
    [Theory]
    [InlineData("W8A8", false)]
    [InlineData("W8A8", true)]
    [InlineData("W4A8", false)]
    [InlineData("W4A8", true)]
    [InlineData("W4A16", false)]
    [InlineData("W4A16", true)]
    public void HalfPrecision(string bits, bool floatImages)
    {
        var settings = DdpmUNetSettings.Tiny with { HalfPrecision = true, KeepFloatImages = floatImages };
        using var model = new QuantizedModel(DdpmUNet.Build(settings), bits);
        model.AssertSound(bits == "W8A8" ? 18 : 12);
    }

    [Fact]
    public void TheOutputOfHalfPrecisionGraphsIsNotRoundedToCodes()
    {
        var settings = DdpmUNetSettings.Tiny with { HalfPrecision = true, KeepFloatImages = true };
        using var model = new QuantizedModel(DdpmUNet.Build(settings), "W8A8");
        Assert.Null(model.Report.Layers[^1].Output);
        Assert.Equal(1, model.Operators["ConvInteger"]);
    }

    [Fact]
    public void TheSoftmaxOfHalfPrecisionGraphsHasItsOwnBits()
    {
        var settings = DdpmUNetSettings.Tiny with { HalfPrecision = true };
        using var model = new QuantizedModel(DdpmUNet.Build(settings), "W8A4", r => Fast(r) with { SoftmaxBits = 8 });
        Assert.Contains(
            model.Report.Layers,
            l => l.Inputs.Any(i => i is { Bits: 8, ZeroPoint: 0 } && l.Inputs.Count == 2)
        );
    }

    [Theory]
    [InlineData(13, NameStyle.Scoped)]
    [InlineData(14, NameStyle.Numbered)]
    [InlineData(17, NameStyle.Numbered)]
    [InlineData(18, NameStyle.Dynamo)]
    [InlineData(21, NameStyle.Dynamo)]
    [InlineData(21, NameStyle.Numbered)]
    public void Opsets(long opset, NameStyle style)
    {
        var settings = DdpmUNetSettings.Tiny with { Opset = opset, NameStyle = style };
        using var model = new QuantizedModel(DdpmUNet.Build(settings), "W6A8", Fast);
        model.AssertSound(12);
    }

    [Theory]
    [InlineData(13)]
    [InlineData(18)]
    [InlineData(21)]
    public void HalfPrecisionInOtherOpsets(long opset)
    {
        var settings = DdpmUNetSettings.Tiny with { Opset = opset, HalfPrecision = true };
        using var model = new QuantizedModel(DdpmUNet.Build(settings), "W6A8", Fast);
        model.AssertSound(12);
    }

    [Fact]
    public void OddNames()
    {
        var settings = DdpmUNetSettings.Tiny with
        {
            SampleName = "x:0 (noisy)@8",
            TimestepName = "время",
            OutputName = "noise/pred,1",
        };
        using var model = new QuantizedModel(
            DdpmUNet.Build(settings),
            "W6A8",
            r => Fast(r) with { InputRoles = r.InputRoles.Add("время", "timestep").Add("x:0 (noisy)@8", "sample") }
        );
        model.AssertSound(12);
    }

    [Fact]
    public void NodesWithoutNames()
    {
        var source = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        source.Graph.Nodes.ForEach(n => n.Name = "");
        using var model = new QuantizedModel(source, "W6A8", Fast);
        model.AssertSound(12);
    }

    [Fact]
    public void NodesOfOneName()
    {
        var source = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        source.Graph.Nodes.ForEach(n => n.Name = n.OpType);
        using var model = new QuantizedModel(source, "W6A8", Fast);
        model.AssertSound(12);
    }

    [Fact]
    public void NodesNamedLikeValuesOfOthers()
    {
        var source = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var outputs = source.Graph.Nodes.Select(n => n.Outputs[0]).Reverse().ToArray();
        for (var i = 0; i < outputs.Length; i++)
        {
            source.Graph.Nodes[i].Name = outputs[i];
        }

        using var model = new QuantizedModel(source, "W6A8", Fast);
        model.AssertSound(12);
    }

    // Names and opsets do not change ranges; searching these takes most of a run's time.
    private static Recipe Fast(Recipe recipe) => recipe with { Method = "minmax" };
}
