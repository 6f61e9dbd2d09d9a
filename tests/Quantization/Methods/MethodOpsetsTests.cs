using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Methods;

/// <summary>Every method takes models of every opset, and leaves them at theirs.</summary>
public sealed class MethodOpsetsTests
{
    public static TheoryData<string, long> All
    {
        get
        {
            var data = new TheoryData<string, long>();
            foreach (var method in MethodCatalog.Names)
            {
                for (var opset = 13L; opset <= 23; opset++)
                {
                    data.Add(method, opset);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Any_method_takes_any_opset(string method, long opset)
    {
        // A width above 2 and 3 bits, at which some methods train several times.
        using var model = new QuantizedModel(
            DdpmUNet.Build(DdpmUNetSettings.Tiny with { Opset = opset }),
            "W4A8",
            recipe =>
                recipe with
                {
                    Method = method,
                    Effort = Effort.Quick,
                    Iterations = 2,
                    Steps = 2,
                    CalibrationSamples = 4,
                }
        );
        Assert.Equal(opset, model.Artifact.Opset);
        Assert.True(model.Sqnr > 3, $"{model.Sqnr} dB");
    }
}
