using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Search;

public sealed class SensitivityTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    /// <summary>Exporters' names, float16, transformers, 1-D and transposed convolutions, a weight that two layers share.</summary>
    public static TheoryData<string> Forms => [.. Models.Keys];

    private static Dictionary<string, Func<OnnxModel>> Models { get; } =
        new()
        {
            ["numbered"] = () => DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = NameStyle.Numbered }),
            ["dynamo"] = () => DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = NameStyle.Dynamo, Opset = 18 }),
            ["float16"] = () => DdpmUNet.Build(DdpmUNetSettings.Tiny with { HalfPrecision = true }),
            ["transformer"] = () => new Transformer(new()).Build(),
            ["float16 transformer"] = () =>
                new Transformer(new() { Type = ElementType.Float16, EinsumUnpatchify = true }).Build(),
            ["other layers"] = OtherLayers,
        };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Each_layer_of_any_form_has_an_error_that_falls_with_bits(string form)
    {
        using var analysis = SensitivityAnalysis.Open(Request(Models[form]()));
        var table = analysis.Measure();
        Assert.True(table.Layers.Count >= 5, $"{table.Layers.Count}");
        Assert.All(table.Layers, l => Assert.InRange(l.Errors[2], double.Epsilon, 100));
        Assert.All(table.Layers, l => Assert.InRange(l.Errors[8], 0, l.Errors[2] / 10));
        Assert.Equal(0, analysis.MeasureTogether(new Dictionary<string, int>()));
    }

    [Fact]
    public void It_is_the_error_of_a_network_with_this_weight()
    {
        var request = Request(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        using var analysis = SensitivityAnalysis.Open(request);
        var table = analysis.Measure();
        var layer = table.Layers[4];

        // The same by hand, with the weight as a constant of the graph.
        var source = DiffusionModel.Load(request.ModelPath);
        var state = new QuantizationState(source, request.Recipe);
        using var samples = CalibrationSet.Collect(state, new(new() { Threads = 1 }, (_, _) => { }, default));
        var changed = source.Model.Clone();
        var node = changed.Graph.Nodes.Single(n => n.Name == layer.Layer);
        var weight = changed.Graph.Initializers[node.Inputs[1]];
        var codes = WeightQuantizer.Quantize(weight.ToFloats(), weight.Dims.ToArray(), 0, 2, new MseRange());
        changed.Graph.Add(OnnxTensor.Of(weight.Name, codes.ToFloats().AsSpan(), weight.Dims.ToArray()));
        var call = samples.Call([.. Enumerable.Range(0, samples.Count)]);
        var (signal, noise) = SignalToNoise.Powers(Predict(source, source.Model, call), Predict(source, changed, call));
        Assert.InRange(layer.Errors[2] / (noise / signal), 0.99, 1.01);
    }

    [Fact]
    public void What_changes_no_sensitivity_is_not_part_of_its_recipe()
    {
        var recipe = new Recipe(new(3, 8))
        {
            Rules = [LayerRule.Parse("*=W5")],
            Policy = Policy.Tfmq,
            Effort = Effort.Quick,
        };
        var request = new SensitivityRequest("model", recipe, 16, [3, 2, 3]);
        Assert.Equal([2, 3], request.Widths);
        Assert.Equal(request.Recipe.Hash, new SensitivityRequest("model", new(new(6, 6)), 16, [2]).Recipe.Hash);
        Assert.NotEqual(request.Recipe.Hash, new SensitivityRequest("model", recipe, 8, [2]).Recipe.Hash);
        Assert.NotEqual(
            request.Recipe.Hash,
            new SensitivityRequest("model", recipe with { Method = "minmax" }, 16, [2]).Recipe.Hash
        );
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static OnnxModel OtherLayers()
    {
        const int c = Scaffold.Channels;
        var scaffold = new Scaffold();
        return scaffold.Build(
            (b, h, _) =>
            {
                var down = b.Op("AveragePool", [h], ("kernel_shape", new[] { 2L, 2 }), ("strides", new[] { 2L, 2 }));
                var up = b.Op(
                    "ConvTranspose",
                    [down, b.Parameter("up", scaffold.Weight(c, c, 2, 2))],
                    ("kernel_shape", new[] { 2L, 2 }),
                    ("strides", new[] { 2L, 2 })
                );
                var sequence = b.Reshape(h, 0, c, -1);
                var filter = b.Parameter("filter", scaffold.Weight(c, c, 3));
                var once = b.Op("Conv", [sequence, filter], ("pads", new[] { 1L, 1 }));
                var twice = b.Op("Conv", [b.Silu(once), filter], ("pads", new[] { 1L, 1 }));
                return h + up + b.Reshape(twice, -1, c, Scaffold.Size, Scaffold.Size);
            }
        );
    }

    private static float[] Predict(DiffusionModel source, OnnxModel model, DenoiserCall call)
    {
        using var session = ModelSession.Load(model, new() { Threads = 1 });
        using var denoiser = new OnnxDenoiser(session, source.Contract);
        return denoiser.Predict(call);
    }

    private SensitivityRequest Request(OnnxModel model) =>
        new(
            QuantizedModel.Write(folder.FullName, model),
            new Recipe(new(4, 8))
            {
                Steps = 4,
                Threads = 1,
                Device = "cpu",
            },
            4,
            [2, 8]
        );
}
