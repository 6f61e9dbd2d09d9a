using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Export;

/// <summary>What ONNX Runtime makes of the file: every planned layer an integer kernel, nothing else quantized.</summary>
public class OptimizedGraphTests
{
    private static PlannedModel Plan(string bits, params string[] rules)
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet);
        NormalizeGraph.Apply(model);
        RewriteGroupNorms.Apply(model);
        SplitShortcuts.Apply(model);
        using var sample = Tensors.Of(TestModels.Numbers(1, 2 * 3 * 256), 2, 3, 16, 16);
        using var timestep = Tensors.Of([10L, 700L], 2);
        var inputs = new Dictionary<string, OrtValue> { ["sample"] = sample, ["timestep"] = timestep };
        return new(model, bits, inputs, rules, "sample");
    }

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W4A8")]
    [InlineData("W4A4")]
    public void EveryPlannedLayerIsAnIntegerKernel(string bits)
    {
        var planned = Plan(bits);
        Assert.All(planned.Plan.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
        var operators = Runs.OptimizedOperators(planned.Exported);

        int Layers(params LayerKind[] kinds) => planned.Plan.Layers.Count(l => kinds.Contains(l.Kind));
        int Operators(params string[] names) => names.Sum(n => operators.GetValueOrDefault(n));

        Assert.Equal(Layers(LayerKind.Convolution), Operators("QLinearConv", "ConvInteger"));
        Assert.Equal(1, Operators("ConvInteger"));
        Assert.Equal(Layers(LayerKind.Gemm), Operators("QGemm"));
        Assert.Equal(
            Layers(LayerKind.MatrixProduct, LayerKind.Linear),
            Operators("MatMulIntegerToFloat", "QLinearMatMul", "DynamicQuantizeMatMul")
        );
        Assert.Equal(0, Operators("Conv", "FusedConv", "Gemm", "FusedGemm", "BitShift"));
    }

    [Fact]
    public void LayersThatStayFloatAreNotQuantizedBehindOurBack()
    {
        var planned = Plan("W8A8", "*/conv2*=float", "type:Gemm=float", "position:attention=float");
        var operators = Runs.OptimizedOperators(planned.Exported);
        var kept = planned.Plan.Layers.Where(l => l.Mode == LayerMode.Float).ToArray();
        Assert.NotEmpty(kept);
        Assert.Equal(
            kept.Count(l => l.Kind == LayerKind.Convolution),
            operators.GetValueOrDefault("Conv") + operators.GetValueOrDefault("FusedConv")
        );
        Assert.Equal(0, operators.GetValueOrDefault("QGemm"));
        Assert.Equal(
            kept.Count(l => l.Kind == LayerKind.Gemm),
            operators.GetValueOrDefault("Gemm") + operators.GetValueOrDefault("FusedGemm")
        );
    }

    [Fact]
    public void WeightOnlyModelsRunTheFloatKernels()
    {
        var planned = Plan("W4A32");
        var operators = Runs.OptimizedOperators(planned.Exported);
        Assert.Equal(
            0,
            operators.Keys.Count(k =>
                k.StartsWith("QLinear") || k.Contains("Integer") || k.Contains("NBits") || k.Contains("Dequantize")
            )
        );
        Assert.True(planned.Exported.ToBytes().Length < 0.25 * planned.Model.ToBytes().Length);
    }

    [Fact]
    public void InputsAndOutputsAreThoseOfTheSource()
    {
        var source = DdpmUNet.Build(
            TestModels.SmallUNet with
            {
                SampleName = "zt:0",
                TimestepName = "t.1",
                OutputName = "noise pred",
            }
        );
        NormalizeGraph.Apply(source);
        using var sample = Tensors.Of(TestModels.Numbers(1, 3 * 256), 1, 3, 16, 16);
        using var timestep = Tensors.Of([10L], 1);
        var planned = new PlannedModel(
            source,
            "W4A8",
            new Dictionary<string, OrtValue> { ["zt:0"] = sample, ["t.1"] = timestep },
            null,
            "zt:0"
        );
        var again = OnnxModel.Parse(planned.Exported.ToBytes());
        Assert.Equal(source.Graph.Inputs, again.Graph.Inputs);
        Assert.Equal(source.Graph.Outputs, again.Graph.Outputs);
        Assert.Equal(source.Opset, again.Opset);
    }
}
