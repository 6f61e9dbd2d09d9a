using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Agreement;

/// <summary>A fault in any one constant of an exported file is found.</summary>
public sealed class PointAgreementTests
{
    private static void With(Action<PlannedModel, IReadOnlyDictionary<string, OrtValue>> run) =>
        Runs.WithInputs(
            TestModels.Numbers(1, 2 * 3 * 256),
            [2, 3, 16, 16],
            [10, 700],
            inputs =>
            {
                var model = DdpmUNet.Build(TestModels.SmallUNet);
                NormalizeGraph.Apply(model);
                run(new(model, "W4A8", inputs, null, "sample"), inputs);
            }
        );

    [Fact]
    public void Without_a_fault_all_points_agree() =>
        With((planned, inputs) => PointAgreement.AssertAgree(planned.Model, planned.Plan, planned.Exported, inputs));

    [Theory]
    [InlineData("_scales", "the scale of one channel's weights")]
    [InlineData("_int32", "one channel's bias")]
    [InlineData("_packed", "one channel's weight codes")]
    [InlineData("@8_scale", "the scale of one activation")]
    [InlineData("@8_zero_point", "the zero point of one activation")]
    public void One_fault_is_found(string constant, string what) =>
        With(
            (planned, inputs) =>
            {
                string[] names = [.. planned.Exported.Graph.Initializers.Keys.Where(n => n.Contains(constant))];
                Assert.True(names.Length > 5, $"{names.Length} constants have {constant} in their names");
                // The first, the last, and one between them.
                foreach (var name in (string[])[names[0], names[names.Length / 2], names[^1]])
                {
                    var faulty = planned.Exported.Clone();
                    faulty.Graph.Initializers[name] = Spoil(faulty.Graph.Initializers[name]);
                    Assert.True(
                        Record.Exception(() => PointAgreement.AssertAgree(planned.Model, planned.Plan, faulty, inputs))
                            is Xunit.Sdk.XunitException,
                        $"{what} is wrong in {name}, and nothing was found"
                    );
                }
            }
        );

    /// <summary>Changes the first number by a tenth or one code; of packed codes those of the first channel.</summary>
    private static OnnxTensor Spoil(OnnxTensor tensor)
    {
        var data = tensor.Data.ToArray();
        switch (tensor.ElementType)
        {
            case ElementType.Float:
                BitConverter.TryWriteBytes(data, BitConverter.ToSingle(data) * 1.1f);
                break;
            case ElementType.Int32:
                BitConverter.TryWriteBytes(data, (int)(BitConverter.ToInt32(data) * 1.1f) + 400);
                break;
            default:
                // Of the small U-Net's weights one channel in 32 at least.
                for (var i = 0; i < Math.Max(1, data.Length / 32); i++)
                {
                    data[i] ^= 0x11;
                }

                break;
        }

        return new(tensor.Name, tensor.ElementType, [.. tensor.Dims], data);
    }
}
