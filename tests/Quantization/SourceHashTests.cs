using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>What names a model or a run changes with all that decides its result.</summary>
public sealed class SourceHashTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BytesInAnotherFileCountWhereverTheGraphHoldsThem(bool isInitializer)
    {
        var graph = new OnnxGraph { Name = "constant" };
        graph.Outputs.Add(new("y", ElementType.Float, TensorShape.Of(512)));
        var numbers = OnnxTensor.Of("c", TestModels.Numbers(1, 512).AsSpan(), 512);
        if (isInitializer)
        {
            graph.Add(numbers);
        }
        else
        {
            graph.Nodes.Add(new("Constant", [], ["c"], "constant") { Attributes = { ["value"] = numbers } });
        }

        graph.Nodes.Add(new("Relu", ["c"], ["y"], "relu"));
        var folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        try
        {
            var path = Path.Combine(folder.FullName, "model.onnx");
            new OnnxModel(graph) { Opset = 17 }.Save(path, new() { SingleFileLimit = 0 });
            var before = SourceHash.Of(path, OnnxModel.Load(path));
            var data = Assert.Single(OnnxModel.Load(path).DataFiles);
            var bytes = File.ReadAllBytes(data);
            bytes[5] ^= 1;
            File.WriteAllBytes(data, bytes);
            Assert.NotEqual(before, SourceHash.Of(path, OnnxModel.Load(path)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void AnInterruptedRunGoesOnFromNoneOfAnotherSchedule()
    {
        var graph = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var recipe = new Recipe(BitWidths.Parse("W4A8"));
        var folders = new[] { PredictionType.Epsilon, PredictionType.Velocity }.Select(prediction =>
            Quantizer.WorkFolder(
                "work",
                recipe,
                DiffusionModel.Of(graph, NoisePath.Of(new SchedulerConfig { Prediction = prediction })),
                "hash",
                Device.Cpu
            )
        );
        Assert.Equal(2, folders.Distinct().Count());
    }
}
