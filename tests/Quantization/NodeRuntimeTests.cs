using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>An artifact is an ordinary ONNX file: ONNX Runtime runs it outside of .NET, with the same result.</summary>
public sealed class NodeRuntimeTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void RunsInNode()
    {
        var source = QuantizedModel.Write(folder.FullName, DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var recipe = new Recipe(BitWidths.Parse("W4A8"))
        {
            CalibrationSamples = 8,
            Steps = 4,
            Device = "cpu",
            Method = "minmax",
        };
        var artifact = Quantizer.Run(new(source, folder.CreateSubdirectory("out").FullName, recipe)).Files[0];
        var sample = TestModels.Numbers(3, 2 * 64);
        var expected = Runs.UNet(OnnxModel.Load(artifact), sample, [2, 1, 8, 8], [10, 700]);

        var outputs = NodeRuntime.Run(
            artifact,
            ("sample", "float32", sample, [2, 1, 8, 8]),
            ("timestep", "int64", [10, 700], [2])
        );

        var actual = Assert.Single(outputs).Value;
        Assert.Equal("out_sample", outputs.Keys.Single());
        Assert.Equal(expected.Length, actual.Length);
        var largest = expected.Max(Math.Abs);
        var errors = expected.Zip(actual, (e, a) => Math.Abs(e - a) / largest).Order().ToArray();

        // Another build may round a value on the border of two codes the other way, and what follows from it differs.
        Assert.True(errors[errors.Length / 2] <= 1e-6, $"the median error is {errors[errors.Length / 2]}");
        Assert.True(errors.Count(e => e > 1e-4) <= errors.Length / 20, $"the largest error is {errors[^1]}");
    }
}
