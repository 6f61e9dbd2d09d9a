using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Agreement;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>An artifact is an ordinary ONNX file: ONNX Runtime runs it outside of .NET, with the same result.</summary>
public sealed class NodeRuntimeTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private static Recipe Recipe { get; } =
        new(BitWidths.Parse("W4A8"))
        {
            CalibrationSamples = 8,
            Steps = 4,
            Device = "cpu",
            Method = "minmax",
        };

    [Fact]
    public void RunsInNode()
    {
        var source = QuantizedModel.Write(folder.FullName, DdpmUNet.Build(DdpmUNetSettings.Tiny));
        Quantizer.Run(new(source, folder.CreateSubdirectory("out").FullName, Recipe), null, out var state);
        var artifact = OnnxModel.Load(Path.Combine(folder.FullName, "out", Quantizer.ModelFileName));
        var sample = TestModels.Numbers(3, 2 * 64);
        Runs.WithInputs(
            sample,
            [2, 1, 8, 8],
            [10, 700],
            inputs =>
            {
                var agreement = new PointAgreement(state.Graph, state.Plan, artifact);
                var seen = agreement.See(inputs);
                var observed = Path.Combine(folder.FullName, "observed.onnx");
                agreement.Observed.Save(observed);
                var outputs = NodeRuntime.Run(
                    observed,
                    ("sample", "float32", sample, [2, 1, 8, 8]),
                    ("timestep", "int64", [10, 700], [2])
                );

                Assert.Equal(seen.Keys.Order(), outputs.Keys.Order());
                // Another build may round a value on a border the other way, and what follows from it differs.
                agreement.AssertAgree(
                    seen.ToDictionary(t => t.Key, t => t.Value with { Values = outputs[t.Key] }),
                    inputs
                );
            }
        );
    }

    /// <summary>The file as it was written, without anything of ours around it.</summary>
    [Fact]
    public void TheFileItselfHasItsOutputsInNode()
    {
        var source = QuantizedModel.Write(folder.FullName, DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var result = Quantizer.Run(new(source, folder.CreateSubdirectory("out").FullName, Recipe));
        var outputs = NodeRuntime.Run(
            result.Files[0],
            ("sample", "float32", TestModels.Numbers(3, 2 * 64), [2, 1, 8, 8]),
            ("timestep", "int64", [10, 700], [2])
        );
        Assert.Equal("out_sample", outputs.Keys.Single());
        Assert.Equal(2 * 64, outputs.Values.Single().Length);
    }
}
